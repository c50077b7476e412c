"""The network of a bundle: what TorchScript and ONNX are made from."""

import math  # no postponed annotations: TorchScript reads these

import torch
from rsl_rl.models import MLPModel
from torch import Tensor, nn

from legged_gym.bundle.schema import BundleSpec

_HISTORY = "history_"


class ExportedPolicy(nn.Module):
    """The deterministic policy in one piece: normaliser, network and action limit.

    Observations are the vector (B, D) float32 as the bundle's layout says. The TorchScript takes them by name as well:
    each term's value of this step, without ``history_``, as ``observations.py`` computes it. It then clips, scales,
    remembers and lays them out itself; :meth:`reset` begins a new episode.
    """

    histories: dict[str, Tensor]

    def __init__(self, actor: MLPModel, spec: BundleSpec) -> None:
        """Copy the actor to the CPU; ``spec`` describes its interface."""
        super().__init__()
        terms = spec.observation.terms
        self.actor = actor.as_jit().cpu()
        self.action_clip = spec.action.clip
        self.observation_clip = spec.observation.clip
        self.names = [term.name for term in terms]
        self.base_names = [term.name.removeprefix(_HISTORY) for term in terms]
        self.stacked = [term.name.startswith(_HISTORY) for term in terms]
        self.lengths = [term.history for term in terms]
        self.scales = [term.scale for term in terms]
        self.clips = [math.inf if term.clip is None else term.clip for term in terms]
        self.histories = {}
        scale = [joint.action_scale for joint in spec.joints]
        self.register_buffer("action_scale", torch.tensor(scale, dtype=torch.float32))

    def forward(self, observations: Tensor | dict[str, Tensor]) -> Tensor:
        """Actions (B, J) for a vector (B, D), or for the values (B, d) of its terms by their names."""
        vector = observations if isinstance(observations, Tensor) else self.lay_out(observations)
        return self.actor(vector).clamp(-self.action_clip, self.action_clip)

    @torch.jit.export
    def lay_out(self, values: dict[str, Tensor]) -> Tensor:
        """The vector (B, D) of one step; histories go on by it."""
        parts: list[Tensor] = []
        for i, name in enumerate(self.base_names):
            value = values[name].clamp(-self.clips[i], self.clips[i]) * self.scales[i]
            if self.stacked[i]:
                value = self.remember(self.names[i], value, self.lengths[i])
            parts.append(value)
        return torch.cat(parts, dim=1).clamp(-self.observation_clip, self.observation_clip)

    @torch.jit.export
    def remember(self, name: str, value: Tensor, length: int) -> Tensor:
        """Push a value (B, d) into a history, which it fills if it is the first. (B, length * d), the newest first"""
        if name in self.histories:
            self.histories[name] = torch.cat((value, self.histories[name][:, : -value.shape[1]]), dim=1)
        else:
            self.histories[name] = value.repeat(1, length)
        return self.histories[name]

    @torch.jit.export
    def reset(self) -> None:
        """Forget all histories; the next values fill them."""
        self.histories.clear()

    @torch.jit.export
    def joint_offsets(self, observations: Tensor) -> Tensor:
        """Actions in the unit of the servos' targets, to be added to those of a zero action. (B, D) -> (B, J)"""
        return self.forward(observations) * self.action_scale
