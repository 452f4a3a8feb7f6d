"""The Transformer of study 3 (Ornelas-Munoz et al., Model III): potentials segment by segment.

The convolutional network, a position code and an encoder turn the ECG of the first segment into potentials of that
segment; a decoder, which looks at them, turns the potentials of a segment into those of the next:

    û_0 = E(x_0),        û_k = D(u_{k-1}, û_0)

There is no mask, no linear layer after the decoder and nothing that tells it the number of a segment: all that it
knows of the time is in u_{k-1}. What u_{k-1} is decides what the scores mean. In the free rollout it is û_{k-1}, as in
any use of the network; with teacher forcing it is the truth, as in training and, very probably, in the published test.
"""

import torch
from torch import Tensor, nn

from transmural.networks.byte_dropout import ByteDropout
from transmural.networks.channel_attention import ChannelAttention
from transmural.networks.squeeze_cnn import SqueezeCNN
from transmural.networks.time_aware_attention import time_embeddings

_LAYERS = 4
_FEED_FORWARD = 128


class SegmentTransformer(nn.Module):
    """824,731 parameters with 12 leads and 75 points.

    Parameters
    ----------
    leads, points
        Channels read and given.
    segment_samples
        Samples of a segment.
    dropout
        Share of features and of attention weights left out.
    """

    def __init__(self, leads: int, points: int, segment_samples: int, dropout: float) -> None:
        super().__init__()
        self.segment_samples = segment_samples
        self.front = SqueezeCNN(leads, points, dropout)
        self.dropout = ByteDropout(dropout)
        encoder = [_EncoderLayer(points, dropout) for _ in range(_LAYERS)]
        decoder = [_DecoderLayer(points, dropout) for _ in range(_LAYERS)]
        _start(encoder[-1].last)
        _start(decoder[-1].last)
        self.encoder, self.decoder = nn.ModuleList(encoder), nn.ModuleList(decoder)

    def forward(self, ecg: Tensor) -> Tensor:
        """Free rollout as long as the ECGs (case, lead, sample), of which it reads the first segment."""
        return self.rollout(ecg, ecg.shape[2])

    def rollout(self, ecg: Tensor, samples: int) -> Tensor:
        """Potentials (case, sample, point) of so many samples, each segment from what was predicted before.

        Parameters
        ----------
        ecg
            Standardised, shape (case, lead, sample); what follows the first segment is ignored.
        samples
            A multiple of the segment's.
        """
        first = self._encoded(ecg)
        segments = [first.unsqueeze(1)]
        while len(segments) * self.segment_samples < samples:
            segments.append(self._decoded(segments[-1], first))
        return torch.cat(segments, dim=1).flatten(1, 2)

    def teacher_forced(self, ecg: Tensor, tmp: Tensor) -> Tensor:
        """Potentials (case, sample, point), each segment but the first from the true one before.

        Parameters
        ----------
        ecg
            As for `rollout`.
        tmp
            True potentials (case, sample, point), a multiple of the segment's samples; the last segment is not read.
        """
        first = self._encoded(ecg)
        true = torch.unflatten(tmp, 1, (-1, self.segment_samples))[:, :-1]
        segments: Tensor = torch.cat([first.unsqueeze(1), self._decoded(true, first)], dim=1)
        return segments.flatten(1, 2)

    def _encoded(self, ecg: Tensor) -> Tensor:
        """Potentials of the first segment, shape (case, sample, point)."""
        features: Tensor = self.front(ecg[:, :, : self.segment_samples])
        samples, points = features.shape[1:]
        # Codes come in pairs, so an odd number of points leaves one over.
        codes = time_embeddings(samples, points + points % 2)[:, :points]
        features = self.dropout(features + codes.to(features))
        for layer in self.encoder:
            features = layer(features)
        return features

    def _decoded(self, before: Tensor, first: Tensor) -> Tensor:
        """Segments that follow others, both (case, segment, sample, point)."""
        for layer in self.decoder:
            before = layer(before, first)
        return before


def _start(last: nn.LayerNorm) -> None:
    """First weights of a normalisation whose output are potentials.

    What it normalises has zero mean and unit variance over the points. Halves of both signs around 0.5 turn -1 and 1,
    in alternation, into rest and the reverse into plateau, which keeps to both wherever the wave is. From ones and
    zeros, as usual, the mean squared error is thirty times that of this start after 640 steps.
    """
    with torch.no_grad():
        last.bias.fill_(0.5)
        last.weight.fill_(0.5)
        last.weight[1::2] = -0.5


class _FeedForward(nn.Sequential):
    def __init__(self, points: int, dropout: float) -> None:
        super().__init__(
            nn.Linear(points, _FEED_FORWARD),
            nn.ReLU(inplace=True),
            ByteDropout(dropout),
            nn.Linear(_FEED_FORWARD, points),
            ByteDropout(dropout),
        )


class _EncoderLayer(nn.Module):
    def __init__(self, points: int, dropout: float) -> None:
        super().__init__()
        self.attention = ChannelAttention(points, dropout)
        self.feed_forward = _FeedForward(points, dropout)
        self.first, self.last = nn.LayerNorm(points), nn.LayerNorm(points)
        self.dropout = ByteDropout(dropout)

    def forward(self, sequence: Tensor) -> Tensor:
        sequence = self.first(sequence + self.dropout(self.attention(sequence, sequence)))
        given: Tensor = self.last(sequence + self.feed_forward(sequence))
        return given


class _DecoderLayer(nn.Module):
    def __init__(self, points: int, dropout: float) -> None:
        super().__init__()
        self.within = ChannelAttention(points, dropout)
        self.across = ChannelAttention(points, dropout)
        self.feed_forward = _FeedForward(points, dropout)
        self.first, self.second, self.last = (nn.LayerNorm(points) for _ in range(3))
        self.dropout = ByteDropout(dropout)

    def forward(self, segments: Tensor, memory: Tensor) -> Tensor:
        """From segments (case, segment, sample, point) and their cases' memory (case, sample, point)."""
        shape = segments.shape
        alone = segments.flatten(0, 1)
        segments = self.first(segments + self.dropout(self.within(alone, alone)).view(shape))
        # Samples look at the memory each for itself, so all segments of a case can do it as one sequence.
        seen = self.dropout(self.across(segments.flatten(1, 2), memory))
        segments = self.second(segments + seen.view(shape))
        given: Tensor = self.last(segments + self.feed_forward(segments))
        return given
