fn main() {
    for device in playgrad::runtime::devices() {
        println!("{:8} {}", device.name, device.description);
    }
}
