"""Gaussians with one standard deviation per action, written out: distribution objects cost more than they do."""

from __future__ import annotations

import math

import torch


def log_prob(x: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Log-density of x (B, A) under a Gaussian with mean (B, A) and standard deviation (A,). (B,)"""
    constant = std.log().sum() + 0.5 * math.log(2 * math.pi) * x.shape[-1]
    return -0.5 * ((x - mean) / std).square().sum(-1) - constant


def entropy(std: torch.Tensor) -> torch.Tensor:
    """Entropy (nats) of a Gaussian with standard deviation (A,). ()"""
    return (std.log() + 0.5 * math.log(2 * math.pi * math.e)).sum()


def kl_divergence(
    mean_p: torch.Tensor, std_p: torch.Tensor, mean_q: torch.Tensor, std_q: torch.Tensor
) -> torch.Tensor:
    """KL(p || q) in nats of Gaussians with means (B, A) and standard deviations (A,). (B,)"""
    spread = (std_p.square() + (mean_p - mean_q).square()) / (2 * std_q.square())  # (B, A)
    return (spread + (std_q / std_p).log() - 0.5).sum(-1)
