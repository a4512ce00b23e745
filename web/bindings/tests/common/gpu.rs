use playgrad_web::devices;
use wasm_bindgen_futures::JsFuture;

pub async fn open() {
    let reason = JsFuture::from(devices::open_webgpu()).await.unwrap();
    assert_eq!(reason.as_string().unwrap(), "", "no adapter");
}
