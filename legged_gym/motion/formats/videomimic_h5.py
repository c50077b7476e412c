"""VideoMimic's HDF5 file, `retarget_poses_g1.h5`: datasets per field; names and fps in attributes of the root."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from legged_gym.motion.clip import Clip
from legged_gym.motion.formats.options import ReadOptions
from legged_gym.motion.formats.videomimic import clip_from_fields, note_added, with_waist
from legged_gym.utils.errors import DependencyError, MotionError

if TYPE_CHECKING:
    import h5py

_DATASETS = ("joints", "root_pos", "root_quat", "link_pos", "link_quat")
_ATTRIBUTES = ("joint_names", "link_names", "fps")


def read_videomimic_h5(path: Path, options: ReadOptions) -> Clip:
    """Read a retargeted capture.

    Attributes are found with and without a leading slash: the released retargeter writes `joint_names`, older captures
    have `/joint_names`. Waist joints that the file lacks are added at 0.

    Raises:
        MotionError: the file is no such HDF5 file, or its rate is unknown.
        DependencyError: h5py is not installed.
    """
    try:
        import h5py
    except ImportError:
        raise DependencyError(
            f"{path}: reading HDF5 needs h5py; pip install 'videomimic-gym[h5]' brings it"
        ) from None
    if not path.is_file():
        raise MotionError(f"{path}: cannot be read (No such file or directory)")
    try:
        with h5py.File(path, "r") as file:
            fields = _fields(path, file)
    except OSError as error:
        raise MotionError(f"{path}: cannot be read as HDF5 ({error})") from None
    fields, added = with_waist(fields, path)
    return note_added(clip_from_fields(path, "videomimic_h5", fields, options), added)


def _fields(path: Path, file: h5py.File) -> dict[str, Any]:
    """The file's entries by VideoMimic's names, as arrays."""
    if "persons" in file:
        raise MotionError(
            f"{path}: holds several persons ({', '.join(file['persons'])}); a clip is the motion of one"
        )
    fields: dict[str, Any] = {key: file[key][()] for key in _DATASETS if key in file}
    for name in _ATTRIBUTES:
        for spelling in (f"/{name}", name):
            if spelling in file.attrs:
                fields[name] = file.attrs[spelling]
    if "contacts" in file:
        fields["contacts"] = {foot: values[()] for foot, values in file["contacts"].items()}
    for needed in ("joint_names", "joints"):
        if needed not in fields:
            found = [*file, *(f"attribute {name}" for name in file.attrs)]
            raise MotionError(f"{path}: lacks {needed}; it has {', '.join(found) or 'nothing'}")
    return fields
