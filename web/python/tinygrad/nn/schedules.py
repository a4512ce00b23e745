"""Schedules of learning rates. Names, defaults and formulas are those of `torch.optim.lr_scheduler`."""

import math

from .._engine import ask


def settings(given):
    """Settings as the engine takes them: a list's name comes once for each of its numbers."""
    pairs = []
    for name, value in given.items():
        if value is not None:
            pairs += [(name, float(one)) for one in (value if isinstance(value, (list, tuple)) else [value])]
    return [name for name, _ in pairs], [value for _, value in pairs]


class Schedule:
    """Sets an optimizer's learning rates: those of step 0 at once, those of the next with `step`."""

    def __init__(self, optimizer, **given):
        self.optimizer = optimizer
        self._id = ask("schedule", type(self).__name__, optimizer._id, *settings(given))

    def step(self, metric=math.nan):
        """Call it after the optimizer's step. `metric` is for `ReduceLROnPlateau` alone."""
        ask("scheduleStep", self._id, float(metric))

    def state_dict(self):
        """What it keeps."""
        return {"state": list(ask("scheduleState", self._id))}

    def load_state_dict(self, state):
        """Goes on where the schedule was that gave `state`."""
        ask("loadScheduleState", self._id, state["state"])

    def __del__(self):
        if hasattr(self, "_id"):
            ask("releaseSchedule", self._id)


class StepLR(Schedule):
    """Times `gamma` every `step_size` steps."""

    def __init__(self, optimizer, step_size, gamma=0.1):
        super().__init__(optimizer, step_size=step_size, gamma=gamma)


class MultiStepLR(Schedule):
    """Times `gamma` at each milestone."""

    def __init__(self, optimizer, milestones, gamma=0.1):
        super().__init__(optimizer, milestones=milestones, gamma=gamma)


class ConstantLR(Schedule):
    """Times `factor` for `total_iters` steps."""

    def __init__(self, optimizer, factor=1 / 3, total_iters=5):
        super().__init__(optimizer, factor=factor, total_iters=total_iters)


class LinearLR(Schedule):
    """Times a factor that goes from `start_factor` to `end_factor` in `total_iters` steps."""

    def __init__(self, optimizer, start_factor=1 / 3, end_factor=1.0, total_iters=5):
        super().__init__(optimizer, start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)


class ExponentialLR(Schedule):
    """Times `gamma` every step."""

    def __init__(self, optimizer, gamma):
        super().__init__(optimizer, gamma=gamma)


class PolynomialLR(Schedule):
    """Down to 0 in `total_iters` steps as `(1 - t / total_iters) ** power`."""

    def __init__(self, optimizer, total_iters=5, power=1.0):
        super().__init__(optimizer, total_iters=total_iters, power=power)


class CosineAnnealingLR(Schedule):
    """Half a cosine down to `eta_min` in `T_max` steps, after `warmup` steps that rise in a line."""

    def __init__(self, optimizer, T_max, eta_min=0.0, warmup=0):
        super().__init__(optimizer, T_max=T_max, eta_min=eta_min, warmup=warmup)


class CosineAnnealingWarmRestarts(Schedule):
    """A cosine that starts over after `T_0` steps, then after `T_mult` times as many."""

    def __init__(self, optimizer, T_0, T_mult=1, eta_min=0.0):
        super().__init__(optimizer, T_0=T_0, T_mult=T_mult, eta_min=eta_min)


class OneCycleLR(Schedule):
    """Up to `max_lr` and far down again in `total_steps`; `linear` for lines rather than cosines."""

    def __init__(
        self,
        optimizer,
        max_lr,
        total_steps,
        pct_start=0.3,
        linear=False,
        div_factor=25.0,
        final_div_factor=1e4,
        three_phase=False,
    ):
        super().__init__(
            optimizer,
            max_lr=max_lr,
            total_steps=total_steps,
            pct_start=pct_start,
            linear=linear,
            div_factor=div_factor,
            final_div_factor=final_div_factor,
            three_phase=three_phase,
        )


class ReduceLROnPlateau(Schedule):
    """Times `factor` when `step(metric)` has not got better for `patience` steps; `max` where more is better."""

    def __init__(
        self,
        optimizer,
        max=False,
        factor=0.1,
        patience=10,
        threshold=1e-4,
        absolute=False,
        cooldown=0,
        min_lr=0.0,
        eps=1e-8,
    ):
        super().__init__(
            optimizer,
            max=max,
            factor=factor,
            patience=patience,
            threshold=threshold,
            absolute=absolute,
            cooldown=cooldown,
            min_lr=min_lr,
            eps=eps,
        )
