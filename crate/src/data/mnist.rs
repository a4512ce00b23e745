//! MNIST from its four IDX files, gzipped or not, as bytes (a page) or from a folder (command line, Node).

use super::{
    Images,
    idx::{self, Idx},
};
use crate::error::{Error, Result};
use std::{fs, path::Path};

/// The four files by their usual names, without `.gz`.
pub const FILES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mnist {
    pub train: Images,
    pub test: Images,
}

/// Which of [`FILES`] a file's name means: `t10k-images.idx3-ubyte.gz` and the like are accepted.
pub fn role(name: &str) -> Option<usize> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name).to_lowercase();
    let test = name.contains("t10k") || name.contains("test");
    match (test, name.contains("train"), name.contains("images"), name.contains("labels")) {
        (false, true, true, false) => Some(0),
        (false, true, false, true) => Some(1),
        (true, false, true, false) => Some(2),
        (true, false, false, true) => Some(3),
        _ => None,
    }
}

/// From named files in any order.
pub fn from_files<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Mnist> {
    let mut found: [Option<(&str, Idx)>; 4] = Default::default();
    for (name, bytes) in files {
        let Some(role) = role(name) else {
            let expected = format!("one of {}, with or without .gz", FILES.join(", "));
            return Err(Error::data(
                "mnist",
                format!("a file named {name}"),
                expected,
                "leave that file out",
            ));
        };
        found[role] = Some((name, idx::parse(name, bytes)?));
    }
    let missing: Vec<_> =
        FILES.into_iter().zip(&found).filter(|(_, f)| f.is_none()).map(|(n, _)| n).collect();
    let [Some(a), Some(b), Some(c), Some(d)] = found else {
        let (got, fix) = (format!("no {}", missing.join(", no ")), "give all four files");
        return Err(Error::data("mnist", got, "four IDX files", fix));
    };
    Ok(Mnist { train: pair(a, b)?, test: pair(c, d)? })
}

/// From the folder that holds the four files.
pub fn from_dir(dir: &Path) -> Result<Mnist> {
    let fix = "name the folder that holds MNIST's four .gz files";
    let broken = |path: &Path, e: std::io::Error| {
        Error::data("mnist", format!("{}: {e}", path.display()), "a readable folder of IDX files", fix)
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| broken(dir, e))? {
        let path = entry.map_err(|e| broken(dir, e))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if let Some(role) = role(&name).filter(|_| name.contains("ubyte")) {
            files.push((role, name, path));
        }
    }
    files.sort();
    files.dedup_by_key(|(role, ..)| *role);
    let mut read = Vec::new();
    for (_, name, path) in files {
        read.push((name, fs::read(&path).map_err(|e| broken(&path, e))?));
    }
    let read = read.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice()));
    from_files(read).map_err(|e| Error { fix: format!("{} in {}", e.fix, dir.display()), ..e })
}

fn pair((name, images): (&str, Idx), (labels_name, labels): (&str, Idx)) -> Result<Images> {
    let &[n, height, width] = images.shape.as_slice() else {
        let got = format!("shape {:?}", images.shape);
        return Err(Error::data(name, got, "[images, height, width]", "give the images file"));
    };
    if labels.shape != [n] {
        let (got, expected) = (format!("shape {:?}", labels.shape), format!("[{n}], as {name}"));
        return Err(Error::data(labels_name, got, expected, "give labels and images of the same set"));
    }
    if let Some(label) = labels.values.iter().find(|&&l| l > 9) {
        return Err(Error::data(labels_name, format!("label {label}"), "0 to 9", "fetch the file again"));
    }
    Ok(Images { pixels: images.values, labels: labels.values, height, width })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(shape: &[u8], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, shape.len() as u8];
        bytes.extend(shape.iter().flat_map(|&d| [0, 0, 0, d]));
        bytes.extend(values);
        bytes
    }

    #[test]
    fn files_are_known_by_name_in_any_order() {
        let (images, labels) = (file(&[1, 2, 2], &[1, 2, 3, 4]), file(&[1], &[7]));
        let named = [
            ("t10k-labels.idx1-ubyte", labels.as_slice()),
            ("data/train-images-idx3-ubyte", &images),
            ("t10k-images-idx3-ubyte", &images),
            ("train-labels-idx1-ubyte", &labels),
        ];
        let set = from_files(named).unwrap();
        assert_eq!(set.train, Images { pixels: vec![1, 2, 3, 4], labels: vec![7], height: 2, width: 2 });
        assert!(from_files(named[..3].to_vec()).unwrap_err().got.contains("train-labels"));
        assert!(from_files([("cat.png", images.as_slice())]).unwrap_err().got.contains("cat.png"));
    }

    #[test]
    fn images_and_labels_must_belong_together() {
        let (images, two, ten) = (file(&[1, 2, 2], &[1, 2, 3, 4]), file(&[2], &[7, 7]), file(&[1], &[10]));
        for (labels, got) in [(&two, "[2]"), (&ten, "label 10"), (&images, "[1, 2, 2]")] {
            let named = FILES.map(|n| (n, if n.contains("images") { images.as_slice() } else { labels }));
            assert!(from_files(named).unwrap_err().got.contains(got));
        }
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = from_dir(Path::new("no/such/folder")).unwrap_err();
        assert!(error.got.contains("no/such/folder"), "{error}");
    }
}
