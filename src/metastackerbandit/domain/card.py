"""A model card: what a version was made for, from what, and how good it was; it travels with the weights."""

from __future__ import annotations

from msgspec import Struct


class FileHash(Struct, frozen=True):
    """A file of the version: its name in the version's folder, its SHA-256, its length."""

    name: str
    sha256: str
    length: int


class Score(Struct, frozen=True):
    """A measured figure out of sample with its 95 % interval (NaN where there is none)."""

    name: str
    unit: str
    value: float
    low: float
    high: float


class ModelCard(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One trained version.

    A series (`stack-5m-BTCUSDT-<hash>`) is one training run's versions, oldest first; `model_id` is `<series>-<version, 4 digits>`.
    A version may serve bars known at or after `trained_until_ns`, the time at which the last of its labels was known.
    `n_rows` counts training rows, `n_eff` independent outcomes among them (sum of uniqueness, after the design effect of pooled
    symbols). `size` is what the ladder allows for that n_eff; 0 means that it does not trade. `share_up` is the share of UP among
    the directional out-of-fold predictions, `parity` the largest difference between what training computed and what serving
    computes, `mirror_error` the largest failure to mirror. `asleep` says why the version may not answer ("" when it may).
    """

    model_id: str
    series: str
    version: int
    family: str
    symbols: tuple[str, ...]
    venue: str
    market: str
    frame: str
    horizon: int
    width: float
    label_hash: str
    feature_hash: str
    features: tuple[str, ...]
    data_digest: str
    trained_from_ns: int
    trained_until_ns: int
    n_rows: int
    n_eff: float
    rung: str
    size: float
    effective_dof: float
    dof_budget: float
    share_up: float
    parity: float
    mirror_error: float
    is_mirrored: bool
    calibrator: str
    calibration_slope: float
    scores: tuple[Score, ...]
    learners: tuple[str, ...]
    weights: tuple[float, ...]
    seed: int
    trials: int
    created_ns: int
    code: str
    libraries: dict[str, str]
    files: tuple[FileHash, ...]
    depends_on: tuple[str, ...] = ()
    asleep: str = ""


class Waiver(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Permission to use a version where one named check refuses it: until when, by whom, why. Never valid in live mode."""

    model_id: str
    check: str
    until_ns: int
    who: str
    why: str
    given_ns: int
