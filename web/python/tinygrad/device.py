"""Where work runs."""

from ._engine import DeviceError, ask

NAMES = {"CPU": "cpu", "WEBGPU": "webgpu", "GPU": "webgpu", "AUTO": "auto"}


def engine_name(device: str) -> str:
    """The engine's name of a device by tinygrad's."""
    name = NAMES.get(str(device).upper().split(":")[0])
    if name is None:
        raise DeviceError("Device", repr(device), '"WEBGPU", "CPU" or "AUTO"', "name one of these")
    return name


class _Device:
    """`Device.DEFAULT` is where new work runs; setting it chooses: "AUTO" takes the GPU for large work."""

    def __init__(self):
        self._choice = "AUTO"

    @property
    def DEFAULT(self) -> str:
        if self._choice != "AUTO":
            return self._choice
        return (ask("usedDevice") or ("webgpu" if ask("deviceInfo", "webgpu")[0] else "cpu")).upper()

    @DEFAULT.setter
    def DEFAULT(self, device: str) -> None:
        name = engine_name(device)
        ask("setDevice", name)
        self._choice = name.upper()

    def canonicalize(self, device: str | None) -> str:
        return self.DEFAULT if device is None else engine_name(device).upper()

    def get_available_devices(self):
        return [name.upper() for name in ("webgpu", "cpu") if ask("deviceInfo", name)[0]]

    def __getitem__(self, device: str) -> "Opened":
        return Opened(self.canonicalize(device))


class Opened:
    """A device: its name, and what it is."""

    def __init__(self, device: str):
        self.device = device
        self.available, self.description = ask("deviceInfo", device.lower())

    def synchronize(self) -> None:
        """Reads wait by themselves."""

    def __repr__(self) -> str:
        return f"<Device {self.device}: {self.description}>"


Device = _Device()
