"""A small cache for tensors, bounded by bytes."""

import threading
from collections import OrderedDict
from collections.abc import Hashable

import torch

MEGABYTE = 2**20


class TensorCache:
    """Least-recently-used cache of tensors, holding at most `max_bytes`. Safe to share between threads."""

    def __init__(self, max_bytes: int):
        self.max_bytes = max_bytes
        self.size = 0
        self._tensors: OrderedDict[Hashable, torch.Tensor] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> torch.Tensor | None:
        """The tensor kept under `key`, which is now the one used last; None if there is none."""
        with self._lock:
            tensor = self._tensors.get(key)
            if tensor is not None:
                self._tensors.move_to_end(key)
            return tensor

    def put(self, key: Hashable, tensor: torch.Tensor) -> None:
        """Keep `tensor`, unless it alone exceeds the bound; it must own its storage (a view would keep the whole of
        its base alive).
        """
        with self._lock:
            old = self._tensors.pop(key, None)
            self.size += tensor.nbytes - (old.nbytes if old is not None else 0)
            self._tensors[key] = tensor
            while self.size > self.max_bytes:
                self.size -= self._tensors.popitem(last=False)[1].nbytes

    def __len__(self) -> int:
        return len(self._tensors)
