"""Tensors of models by name, and files of them."""

import io
import json
import pathlib
import zipfile

from .._engine import ArgumentError, DataError, ask, wait
from ..tensor import Tensor


def get_state_dict(obj, prefix="", tensor_type=Tensor):
    """Every tensor of a model by its path (`layers.0.weight`): walks fields, lists, tuples and dicts."""
    found, open_now = {}, set()

    def walk(value, path):
        if isinstance(value, tensor_type):
            found[path.strip(".")] = value
            return
        if id(value) in open_now:
            return
        open_now.add(id(value))
        if hasattr(value, "_asdict"):
            value = value._asdict()
        elif hasattr(value, "__dict__") and not isinstance(value, (dict, type)):
            value = vars(value)
        if isinstance(value, (list, tuple)):
            value = dict(enumerate(value))
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{path}{name}.")
        open_now.discard(id(value))

    walk(obj, prefix)
    return found


def get_parameters(obj):
    """All tensors of a model, in the order of `get_state_dict`."""
    return list(get_state_dict(obj).values())


def load_state_dict(model, state_dict, strict=True, verbose=True, consume=False, realize=True):
    """Gives the model's tensors the values of `state_dict`; gives those it changed.

    Names the model has not are left alone. Names missing in `state_dict` and shapes that differ are a `DataError`,
    and nothing has changed then; with `strict=False` missing names are left alone too. `consume` empties
    `state_dict`. `verbose` and `realize` make no difference here.
    """
    own = get_state_dict(model)
    given = {name: t for name, t in state_dict.items() if name in own}
    ids = handles("load_state_dict", given)
    ask("loadStateDict", list(own), handles("load_state_dict", own), list(given), ids, strict)
    if consume:
        for name in given:
            del state_dict[name]
    return [own[name] for name in own if name in given]


def safe_save(tensors, fn, metadata=None):
    """Saves named tensors as a safetensors file. `metadata` is text by name."""
    notes = [str(text) for pair in (metadata or {}).items() for text in pair]
    file = wait(ask("saveSafetensors", list(tensors), handles("safe_save", tensors), notes))
    pathlib.Path(fn).write_bytes(file)


def safe_load(fn):
    """The named tensors of a safetensors file: a path, bytes, or a tensor of bytes."""
    return _named(ask("loadSafetensors", _bytes("safe_load", fn)))


def safe_load_metadata(t):
    """The bytes of a safetensors file as a tensor, where its values start, and its header."""
    file = _bytes("safe_load_metadata", t)
    safe_load(file)
    start = 8 + int.from_bytes(file[:8], "little")
    return Tensor(file), start, json.loads(file[8:start])


def zip_extract(t):
    """The files of a zip archive by name, as tensors of bytes."""
    try:
        with zipfile.ZipFile(io.BytesIO(_bytes("zip_extract", t))) as archive:
            return {name: Tensor(archive.read(name)) for name in archive.namelist()}
    except zipfile.BadZipFile as error:
        raise DataError("zip_extract", str(error), "a whole zip archive", "read the file again") from None


def tar_extract(t):
    """The files of a tar archive, compressed or not, by name, as tensors of bytes."""
    import tarfile  # Slow to load.

    try:
        with tarfile.open(fileobj=io.BytesIO(_bytes("tar_extract", t))) as archive:
            members = [member for member in archive if member.isreg()]
            return {member.name: Tensor(archive.extractfile(member).read()) for member in members}
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError("tar_extract", str(error), "a whole tar archive", "read the file again") from None


def torch_load(t):
    """The tensors of a file that `torch.save` wrote, by the path of names to each. Runs nothing in it."""
    return _named(ask("loadTorch", _bytes("torch_load", t)))


def handles(op, tensors):
    """Of named tensors."""
    for name, t in tensors.items():
        if not isinstance(t, Tensor):
            raise ArgumentError(
                op, f"{type(t).__name__} as {name!r}", "tensors by name", "wrap it: Tensor(x)"
            )
    return [t._id for t in tensors.values()]


def _named(made):
    names, ids = made
    return dict(zip(names, map(Tensor._of, ids)))


def _bytes(op, file):
    if isinstance(file, (bytes, bytearray, memoryview)):
        return bytes(file)
    if isinstance(file, Tensor):
        return bytes(file.data())
    if not isinstance(file, (str, pathlib.PurePath)):
        raise ArgumentError(
            op, type(file).__name__, "a path, bytes or a tensor of bytes", "give the file's name"
        )
    try:
        return pathlib.Path(file).read_bytes()
    except OSError as error:
        folder = pathlib.Path(file).parent
        names = sorted(path.name for path in folder.iterdir())[:20] if folder.is_dir() else []
        got = f"{error.strerror or error}: {file}"
        raise DataError(
            op, got, f"a file of this program's: {', '.join(names) or 'none here'}", "save it first"
        ) from None
