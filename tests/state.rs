//! Saving and loading: files that PyTorch and safetensors wrote (tests/reference/files.py), damaged ones, and state
//! dicts into models.

use playgrad::{
    Kind, Tensor,
    io::{self, Header, Notes, SafeFile},
    nn::{self, StateDict},
    runtime,
    tensor::block_on,
};
use serde_json::Value;
use std::{cell::Cell, io::Cursor, rc::Rc};

fn rows(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("reference/files.json")).expect("files.json is JSON");
    all[kind].as_array().expect("rows").clone()
}

fn bytes(row: &Value) -> Vec<u8> {
    let code = |c: u8| match c {
        b'A'..=b'Z' => c - b'A',
        b'a'..=b'z' => c - b'a' + 26,
        b'0'..=b'9' => c - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let text = row["base64"].as_str().unwrap().trim_end_matches('=');
    let group = |g: &[u8]| {
        let bits = g.iter().fold(0u32, |all, c| all << 6 | u32::from(code(*c))) << (6 * (4 - g.len()));
        bits.to_be_bytes()[1..g.len()].to_vec()
    };
    text.as_bytes().chunks(4).flat_map(group).collect()
}

fn number(v: &Value) -> f64 {
    v.as_f64().or_else(|| v.as_bool().map(|b| f64::from(u8::from(b)))).expect("a number")
}

fn check(name: &str, loaded: &StateDict, holds: &Value) {
    let holds = holds.as_object().unwrap();
    assert_eq!(loaded.len(), holds.len(), "{name}: {:?}", loaded.keys());
    for (key, expected) in holds {
        let tensor = &loaded[key];
        let shape: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
        assert_eq!(tensor.shape().as_slice(), shape, "{name}: {key}");
        assert_eq!(tensor.dtype().name(), expected["dtype"], "{name}: {key}");
        let data = block_on(tensor.data()).unwrap();
        let values: Vec<f64> = (0..data.len()).map(|i| data.get(i)).collect();
        let wanted: Vec<f64> = expected["values"].as_array().unwrap().iter().map(number).collect();
        let near = values.len() == wanted.len()
            && values.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs().max(1e-3));
        assert!(near, "{name}: {key}: {values:?} is not {wanted:?}");
    }
}

#[test]
fn files_of_pytorch_and_safetensors() {
    for (kind, load) in
        [("torch", io::load_torch as fn(&str, &[u8]) -> _), ("safetensors", io::load_safetensors)]
    {
        for row in rows(kind) {
            let name = format!("{kind}: {}", row["name"]);
            match load("the file", &bytes(&row)) {
                Ok(loaded) if row["error"].is_null() => check(&name, &loaded, &row["holds"]),
                Ok(loaded) => panic!("{name}: loaded {:?}", loaded.keys()),
                Err(error) => {
                    let expected = row["error"].as_str().unwrap_or_else(|| panic!("{name}: {error}"));
                    assert!(
                        error.op == "the file" && error.to_string().contains(expected),
                        "{name}: {error}"
                    );
                }
            }
        }
    }
}

#[test]
fn no_truncation_and_no_changed_byte_panics() {
    for (kind, load) in
        [("torch", io::load_torch as fn(&str, &[u8]) -> _), ("safetensors", io::load_safetensors)]
    {
        for row in rows(kind).iter().filter(|row| row["error"].is_null()) {
            let whole = bytes(row);
            for length in (0..whole.len()).step_by(7) {
                assert!(load("m", &whole[..length]).is_err(), "{kind} {} cut to {length} bytes", row["name"]);
            }
            let mut state = 1u32;
            let mut random = |n: usize| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) as usize % n
            };
            for _ in 0..2000 {
                let mut changed = whole.clone();
                for _ in 0..=random(3) {
                    let at = random(changed.len());
                    changed[at] = [random(256) as u8, 0, 255, changed[at] ^ 1][random(4)];
                }
                let _ = load("m", &changed);
            }
        }
    }
}

/// A stored zip archive of the files, without its checksums right.
fn pickled(pickle: &[u8]) -> Vec<u8> {
    let (path, mut sum) = ("x/data.pkl", flate2::Crc::new());
    sum.update(pickle);
    let sizes = [sum.sum(), pickle.len() as u32, pickle.len() as u32].map(u32::to_le_bytes).concat();
    let local =
        [b"PK\x03\x04", &[0; 10][..], &sizes, &[path.len() as u8, 0, 0, 0], path.as_bytes(), pickle].concat();
    let names = [path.len() as u8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let entry = [b"PK\x01\x02", &[0; 12][..], &sizes, &names, path.as_bytes()].concat();
    let place = [entry.len() as u32, local.len() as u32].map(u32::to_le_bytes).concat();
    let end = [b"PK\x05\x06", &[0, 0, 0, 0, 1, 0, 1, 0][..], &place, &[0, 0]].concat();
    [local, entry, end].concat()
}

#[test]
fn hostile_pickles_are_refused() {
    let load = |pickle: &[u8]| io::load_torch("m", &pickled(pickle));
    assert!(load(b"\x80\x02}.").unwrap().is_empty());
    let nested = [&b"\x80\x02"[..], &b"]".repeat(300_000), &b"a".repeat(299_999), b"."].concat();
    assert!(load(&nested).unwrap_err().got.contains("nested"));
    let doubled: Vec<u8> = (0..60).flat_map(|_| *b"q\x00]h\x00ah\x00a").collect();
    assert!(load(&[b"\x80\x02]", &doubled[..], b"."].concat()).unwrap_err().got.contains("nested"));
    let inside = b"\x80\x02]q\x00h\x00a.";
    assert!(load(inside).unwrap_err().got.contains("nested"));
    let call = b"\x80\x02cbuiltins\neval\nX\x04\x00\x00\x001+12\x85R.";
    assert!(load(call).unwrap_err().got.contains("builtins.eval"));
    for broken in [
        &b""[..],
        b".",
        b"a.",
        b"u.",
        b"t.",
        b"R.",
        b"h\x05.",
        b"X\xff\xff\xff\xff.",
        b"\x8a\x09123456789.",
        b"b.",
    ] {
        assert_eq!(load(broken).unwrap_err().kind, Kind::Data, "{broken:?}");
    }
    let opaque = load(b"\x80\x02U\x01x.").unwrap_err();
    assert!(opaque.got.contains("0x55"), "{opaque}");
}

fn file(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn wrong_safetensors_headers_say_what_is_wrong() {
    let tensor = |name: &str, from: usize, to: usize| {
        format!(r#""{name}":{{"dtype":"F32","shape":[2],"data_offsets":[{from},{to}]}}"#)
    };
    let two = |a: (usize, usize), b: (usize, usize)| {
        format!("{{{},{}}}", tensor("a", a.0, a.1), tensor("b", b.0, b.1))
    };
    let loaded = io::load_safetensors("m", &file(&two((0, 8), (8, 16)), 16)).unwrap();
    assert_eq!(loaded["b"].to_vec::<f32>().unwrap(), [0.0, 0.0]);
    for (header, data, got) in [
        (two((0, 8), (4, 12)), 12, "b at byte"),
        (two((0, 8), (12, 20)), 20, "b at byte"),
        (two((0, 8), (8, 16)), 15, "speaks of"),
        (two((0, 8), (8, 16)), 17, "speaks of"),
        (two((0, 8), (16, 8)), 16, "wrong entry of b"),
        (two((0, 8), (8, 12)), 12, "wrong entry of b"),
        (
            r#"{"a":{"dtype":"F32","shape":[18446744073709551615,9],"data_offsets":[0,4]}}"#.into(),
            4,
            "entry of a",
        ),
        (r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#.into(), 4, "wrong entry of a"),
        (
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,4]}}"#.into(),
            4,
            "entry of a",
        ),
        (r#"{"a":{"dtype":"X7","shape":[1],"data_offsets":[0,4]}}"#.into(), 4, "a of X7"),
        (r#"{"__metadata__":{"a":1}}"#.into(), 0, "wrong entry of __metadata__"),
        ("[]".into(), 0, "no JSON"),
        ("{".into(), 0, "no JSON"),
        ("[".repeat(100_000), 0, "no JSON"),
    ] {
        let error = io::load_safetensors("m", &file(&header, data)).unwrap_err();
        assert!(error.got.contains(got), "{error} does not say {got}");
    }
    for first in [u64::MAX, 1 << 40, 100] {
        let error = io::load_safetensors("m", &first.to_le_bytes()).unwrap_err();
        assert!(error.kind == Kind::Data && error.got.contains("a header of"), "{error}");
    }
    assert!(Header::size("m", &[0; 3], 3).is_err());
}

fn dict() -> StateDict {
    let a = Tensor::from_slice(&[1.5f32, -2.0], &[2, 1]).unwrap();
    let b = Tensor::from_slice(&[true], &[]).unwrap();
    let c = Tensor::from_slice(&[7i32, -7], &[2]).unwrap().mul(2).unwrap();
    [("a", a), ("b", b), ("c", c)].map(|(name, t)| (name.to_string(), t)).into()
}

#[test]
fn what_is_saved_comes_back_and_others_read_it() {
    let notes: Notes = [("made by".to_string(), "a test".to_string())].into();
    let saved = block_on(io::save_safetensors(&dict(), &notes)).unwrap();
    let theirs = safetensors::SafeTensors::deserialize(&saved).unwrap();
    assert_eq!(theirs.tensor("c").unwrap().data(), [14i32, -14].map(i32::to_le_bytes).concat());
    let (_, header) = safetensors::SafeTensors::read_metadata(&saved).unwrap();
    assert_eq!(header.metadata().as_ref().unwrap()["made by"], "a test");
    let loaded = io::load_safetensors("m", &saved).unwrap();
    assert_eq!(loaded["a"].to_vec::<f32>().unwrap(), [1.5, -2.0]);
    assert_eq!((loaded["b"].ndim(), loaded["b"].to_vec::<bool>().unwrap()), (0, vec![true]));
    assert_eq!(SafeFile::new("m", Cursor::new(&saved)).unwrap().header().notes, notes);
    let named = [("__metadata__".to_string(), dict()["a"].clone())].into();
    assert_eq!(block_on(io::save_safetensors(&named, &notes)).unwrap_err().kind, Kind::Argument);
}

/// Counts the bytes that are read.
struct Counted(Cursor<Vec<u8>>, Rc<Cell<usize>>);

impl std::io::Read for Counted {
    fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
        let n = self.0.read(to)?;
        self.1.set(self.1.get() + n);
        Ok(n)
    }
}

impl std::io::Seek for Counted {
    fn seek(&mut self, to: std::io::SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_large_file_is_read_tensor_by_tensor() {
    let large = Tensor::zeros(&[1_000_000]).unwrap();
    let small = Tensor::from_slice(&[3i32], &[1]).unwrap();
    let both = [("large".to_string(), large), ("small".to_string(), small)].into();
    let saved = block_on(io::save_safetensors(&both, &Notes::new())).unwrap();
    let seen = Rc::new(Cell::new(0));
    let file = SafeFile::new("m", Counted(Cursor::new(saved), seen.clone())).unwrap();
    assert_eq!(file.header().tensors["large"].shape, [1_000_000]);
    assert_eq!(file.tensor("small").unwrap().to_vec::<i32>().unwrap(), [3]);
    assert!(seen.get() < 1000, "{} bytes read", seen.get());
    let error = file.tensor("other").err().unwrap();
    assert!(error.kind == Kind::Argument && error.expected == "large, small", "{error}");
    let error = SafeFile::open("no/such/file.safetensors").err().unwrap();
    assert!(error.kind == Kind::Data && error.op.contains("no/such"), "{error}");
}

#[test]
fn a_state_dict_that_does_not_fit_changes_nothing() {
    let model = nn::Linear::new(2, 3, true).unwrap();
    let before = model.weight.to_vec::<f32>().unwrap();
    let mut dict: StateDict = [
        ("weight".to_string(), Tensor::ones(&[2, 3]).unwrap()),
        ("bias".to_string(), Tensor::ones(&[3]).unwrap()),
        ("head".to_string(), Tensor::ones(&[1]).unwrap()),
    ]
    .into();
    let error = nn::load_state_dict(&model, &dict, true).unwrap_err();
    assert_eq!(error.kind, Kind::Data);
    assert_eq!(error.got, "unexpected keys [head], shapes that differ [weight: [2, 3] for [3, 2]]");
    dict.remove("bias");
    let error = nn::load_state_dict(&model, &dict, true).unwrap_err();
    assert!(error.got.starts_with("missing keys [bias], unexpected keys [head]"), "{error}");
    assert!(nn::load_state_dict(&model, &dict, false).unwrap_err().got.contains("weight"));
    assert_eq!(model.weight.to_vec::<f32>().unwrap(), before);
    dict.insert("weight".into(), Tensor::ones(&[3, 2]).unwrap());
    nn::load_state_dict(&model, &dict, false).unwrap();
    assert_eq!(model.weight.to_vec::<f32>().unwrap(), [1.0; 6]);
}

#[test]
fn numbers_of_64_bits_load_on_every_device() {
    for device in ["cpu", "vulkan", "metal"] {
        match runtime::set_default(device) {
            Ok(()) => {
                let norm = nn::BatchNorm::new(2, false, 1e-5, 0.1).unwrap();
                let mut dict = nn::state_dict(&norm);
                dict.insert("num_batches_tracked".into(), Tensor::from_slice(&[7i64], &[]).unwrap());
                dict.insert("running_mean".into(), Tensor::from_slice(&[1.5f64, -2.0], &[2]).unwrap());
                nn::load_state_dict(&norm, &dict, true).unwrap();
                assert_eq!(norm.num_batches_tracked.add(1).unwrap().to_vec::<i32>().unwrap(), [8]);
                assert_eq!(norm.running_mean.mul(2).unwrap().to_vec::<f32>().unwrap(), [3.0, -4.0]);
                println!("{device}: loaded");
            }
            Err(why) => println!("{device}: skipped, {why}"),
        }
    }
}
