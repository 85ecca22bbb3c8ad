"""BERT without anything that only training needs, with the parameter names of the published files."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-12
"""Of every normalisation."""


@dataclass(frozen=True)
class BertShape:
    """Sizes; by default those of the "base" models.

    Attributes
    ----------
    vocab_size
        Tokens there are.
    width, layers, heads
        Of the transformer; what is between its two linear layers is four times as wide.
    positions
        Most tokens of a text.
    """

    vocab_size: int = 30522
    width: int = 768
    layers: int = 12
    heads: int = 12
    positions: int = 512


class Bert(nn.Module):
    """A transformer that looks both ways and normalises last [1]_.

    Parameters
    ----------
    shape
        Sizes.

    References
    ----------
    .. [1] Devlin et al., "BERT: pre-training of deep bidirectional transformers for language
       understanding", NAACL 2019.
    """

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.embeddings = Embeddings(shape)
        layers = nn.ModuleList(Layer(shape.width, shape.heads) for _ in range(shape.layers))
        self.encoder = nn.ModuleDict({"layer": layers})

    def forward(self, ids: Tensor, mask: Tensor) -> list[Tensor]:
        """What each layer gives.

        Parameters
        ----------
        ids, mask
            Tokens, (k, length), and which of them are text; no token looks at the others.

        Returns
        -------
        list of Tensor
            The embedded tokens and the output of every layer, each (k, length, width).
        """
        states = [self.embeddings(ids)]
        seen = mask[:, None, None, :]
        for layer in self.encoder["layer"].children():
            states.append(layer(states[-1], seen))
        return states


class PooledBert(Bert):
    """BERT with one more layer, which reads the first token.

    Parameters
    ----------
    shape
        Sizes.
    """

    def __init__(self, shape: BertShape) -> None:
        super().__init__(shape)
        self.pooler = nn.ModuleDict({"dense": nn.Linear(shape.width, shape.width)})

    def pooled(self, last: Tensor) -> Tensor:
        """The first token of the last layer's output, once more transformed: (k, width)."""
        pooled: Tensor = self.pooler["dense"](last[:, 0]).tanh()
        return pooled


class Embeddings(nn.Module):
    """Tokens and their positions."""

    def __init__(self, shape: BertShape) -> None:
        super().__init__()
        self.word_embeddings = nn.Embedding(shape.vocab_size, shape.width)
        self.position_embeddings = nn.Embedding(shape.positions, shape.width)
        self.token_type_embeddings = nn.Embedding(2, shape.width)
        self.LayerNorm = nn.LayerNorm(shape.width, eps=EPSILON)

    def forward(self, ids: Tensor) -> Tensor:
        """Embed tokens, (k, length), as (k, length, width)."""
        # every token is of the first type: the second is for texts in pairs
        added = self.position_embeddings.weight[: ids.shape[1]] + self.token_type_embeddings.weight[0]
        normed: Tensor = self.LayerNorm(self.word_embeddings(ids) + added)
        return normed


class Layer(nn.Module):
    """One transformer layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, 4 * width)})
        self.output = Added(4 * width, width)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """One step of (k, length, width); `seen` is (k, 1, 1, length)."""
        tokens = self.attention(tokens, seen)
        out: Tensor = self.output(functional.gelu(self.intermediate["dense"](tokens)), tokens)
        return out


class Attention(nn.Module):
    """Attention of all tokens to the seen ones, added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.self = Heads(width, heads)
        self.output = Added(width, width)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """One step of (k, length, width)."""
        out: Tensor = self.output(self.self(tokens, seen), tokens)
        return out


class Heads(nn.Module):
    """The heads of the attention."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """What each token sees, (k, length, width)."""
        query, key, value = (
            part(tokens).unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query, self.key, self.value)
        )
        out = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
        return out.transpose(1, 2).flatten(2)


class Added(nn.Module):
    """A linear layer whose result is added to what came in, and normalised."""

    def __init__(self, inner: int, width: int) -> None:
        super().__init__()
        self.dense = nn.Linear(inner, width)
        self.LayerNorm = nn.LayerNorm(width, eps=EPSILON)

    def forward(self, out: Tensor, tokens: Tensor) -> Tensor:
        """Bring `out`, (k, length, inner), to (k, length, width) and add `tokens`."""
        normed: Tensor = self.LayerNorm(self.dense(out) + tokens)
        return normed


def mean_of_seen(tokens: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens that are text: (k, length, width) to (k, width)."""
    weights = (mask / mask.sum(dim=1, keepdim=True)).to(tokens.dtype)
    return torch.einsum("kl,klw->kw", weights, tokens)
