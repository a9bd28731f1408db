"""BatchNorm folded into the convolutions before it, while everything is still float32.

An exporter that does it later writes float32 weights into graphs of half precision, which is no valid ONNX.
"""

from __future__ import annotations

import torch
from timm.layers import ConvNormAct
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


@torch.no_grad()
def fold_norms(module: nn.Module) -> None:
    """Give every convolution of a module its BatchNorm's scale and shift, in place; what it computes stays the same.

    Args:
        module: in evaluation mode, in float32.
    """
    for layer in module.modules():
        if isinstance(layer, ConvNormAct) and isinstance(layer.bn, nn.BatchNorm2d):
            norm = layer.bn
            layer.conv = fuse_conv_bn_eval(layer.conv, norm)
            layer.bn = nn.Sequential(*norm.children())  # what comes after it: drop and act
