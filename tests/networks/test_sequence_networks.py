"""Architectures of study 3: sizes, what each output can see, and the Transformer against torch's own layers."""

import math

import pytest
import torch
from torch import nn

from transmural.networks.bidirectional_lstm import BidirectionalLstm
from transmural.networks.byte_dropout import ByteDropout
from transmural.networks.channel_attention import ChannelAttention
from transmural.networks.cnn_lstm import CnnLstm
from transmural.networks.segment_transformer import SegmentTransformer
from transmural.networks.squeeze_cnn import SqueezeCNN
from transmural.networks.unet_1d import UNet1d

LEADS, POINTS = 12, 75
WHOLE_RECORD = (SqueezeCNN, CnnLstm, UNet1d, BidirectionalLstm)


@pytest.fixture(autouse=True)
def seed():
    torch.manual_seed(0)


def parameters(model):
    return sum(parameter.numel() for parameter in model.parameters())


def transformer(segment=5, points=POINTS, dropout=0.2):
    return SegmentTransformer(LEADS, points, segment, dropout).train(False)


def seen(model, samples, at):
    """Samples of the ECG on which the output at one sample depends."""
    ecg = torch.randn(2, LEADS, samples, requires_grad=True)
    slope = torch.autograd.grad(model.train(False)(ecg)[:, at].square().sum(), ecg)[0]
    return torch.nonzero(slope.abs().sum(dim=(0, 1)))[:, 0].tolist()


# Sizes


def test_published_networks_have_the_published_numbers_of_parameters():
    assert parameters(SqueezeCNN(LEADS, POINTS, 0.5)) == 392_907
    assert parameters(CnnLstm(LEADS, POINTS, 0.5)) == 213_835
    for segment in (1, 2, 10):
        assert parameters(transformer(segment)) == 824_731


def test_our_networks_have_the_sizes_they_state():
    assert parameters(BidirectionalLstm(LEADS, POINTS, 0)) == 148_939
    assert parameters(UNet1d(LEADS, POINTS, 0)) == 457_547


@pytest.mark.parametrize("network", WHOLE_RECORD)
@pytest.mark.parametrize("samples", [50, 51, 63, 64, 65, 100])
def test_potentials_are_as_many_as_samples(network, samples):
    assert network(LEADS, 7, 0.1)(torch.randn(3, LEADS, samples)).shape == (3, samples, 7)


@pytest.mark.parametrize("network", [*WHOLE_RECORD, SegmentTransformer])
def test_no_parameter_is_unused(network):
    sizes = (LEADS, POINTS, 2, 0.1) if network is SegmentTransformer else (LEADS, POINTS, 0.1)
    model, ecg, tmp = network(*sizes), torch.randn(2, LEADS, 50), torch.rand(2, 50, POINTS)
    given = model.teacher_forced(ecg, tmp) if network is SegmentTransformer else model(ecg)
    torch.autograd.backward((given - tmp).square().mean())
    unused = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert not unused


# What they see


def test_the_cnn_sees_twelve_samples_to_either_side():
    assert seen(SqueezeCNN(LEADS, POINTS, 0), 80, 40) == list(range(28, 53))


def test_the_cnn_lstm_sees_what_was_before_and_three_samples_more():
    assert seen(CnnLstm(LEADS, POINTS, 0), 60, 30) == list(range(34))


# Slopes of the LSTM vanish in single precision over more samples.
@pytest.mark.parametrize(("network", "samples"), [(UNet1d, 50), (UNet1d, 500), (BidirectionalLstm, 100)])
def test_our_networks_see_the_whole_record_at_every_sample(network, samples):
    for at in (0, samples // 2, samples - 1):
        assert seen(network(LEADS, POINTS, 0), samples, at) == list(range(samples))


def test_the_ecg_is_not_lost_in_a_new_cnn():
    model, ecg = SqueezeCNN(LEADS, POINTS, 0).train(False), torch.randn(4, LEADS, 50)
    given = model(ecg)
    assert 0.1 < given.std(dim=(0, 1)).mean() < 10


@pytest.mark.parametrize("network", WHOLE_RECORD)
def test_networks_treat_every_case_for_itself(network):
    model, ecg = network(LEADS, POINTS, 0.3).train(False), torch.randn(3, LEADS, 50)
    torch.testing.assert_close(model(ecg)[1:2], model(ecg[1:2]), rtol=0, atol=1e-5)


def test_the_cnn_is_the_one_dimensional_network_of_the_paper():
    """The same numbers as torch's one-dimensional layers give, put together as the paper's authors did."""

    class Fire(nn.Module):
        def __init__(self, channels, squeezed, expanded):
            super().__init__()
            self.squeeze = nn.Conv1d(channels, squeezed, 1)
            self.narrow = nn.Conv1d(squeezed, expanded, 1)
            self.wide = nn.Conv1d(squeezed, expanded, 3, padding=1)

        def forward(self, features):
            features = torch.relu(self.squeeze(features))
            return torch.cat([torch.relu(self.narrow(features)), torch.relu(self.wide(features))], dim=1)

    def pool():
        return nn.MaxPool1d(3, stride=1, padding=1)

    reference = nn.Sequential(
        *(nn.Conv1d(LEADS, 64, 3, padding=1), nn.ReLU(), pool()),
        *(Fire(64, 16, 64), Fire(128, 16, 64), pool()),
        *(Fire(128, 32, 128), Fire(256, 32, 128), pool()),
        *(Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), Fire(512, 64, 256)),
        *(nn.Dropout(0.5), nn.Conv1d(512, POINTS, 1)),
    ).train(False)
    model, ecg = SqueezeCNN(LEADS, POINTS, 0.5).train(False), torch.randn(2, LEADS, 40)
    for theirs, ours in zip(reference.parameters(), model.parameters(), strict=True):
        theirs.data = ours.detach().reshape(theirs.shape)
    torch.testing.assert_close(model(ecg), reference(ecg).transpose(1, 2))


# The Transformer


def test_attention_is_torchs_with_a_head_a_channel():
    ours, theirs = ChannelAttention(7, 0.0), nn.MultiheadAttention(7, 7, batch_first=True)
    theirs.in_proj_weight.data, theirs.in_proj_bias.data = ours.read.weight.data, torch.randn(21)
    ours.read.bias.data = theirs.in_proj_bias.data
    theirs.out_proj.load_state_dict(ours.written.state_dict())
    sequence, memory = torch.randn(4, 6, 7), torch.randn(4, 3, 7)
    torch.testing.assert_close(ours(sequence, memory), theirs(sequence, memory, memory)[0])


def torchs_layers(model):
    """torch's encoder and decoder layers with the weights of ours."""
    points = model.encoder[0].attention.channels
    sizes = {"d_model": points, "nhead": points, "dim_feedforward": 128, "batch_first": True}

    def attention(ours):
        return {
            "in_proj_weight": ours.read.weight,
            "in_proj_bias": ours.read.bias,
            "out_proj.weight": ours.written.weight,
            "out_proj.bias": ours.written.bias,
        }

    def layer(theirs, ours, attentions, norms):
        parts = {f"{name}.{key}": value for name, part in attentions.items() for key, value in attention(part).items()}
        for name, linear in (("linear1", ours.feed_forward[0]), ("linear2", ours.feed_forward[3])):
            parts |= {f"{name}.{key}": value for key, value in linear.state_dict().items()}
        for number, norm in enumerate(norms, start=1):
            parts |= {f"norm{number}.{key}": value for key, value in norm.state_dict().items()}
        theirs.load_state_dict(parts)
        return theirs.train(False)

    encoder = [
        layer(nn.TransformerEncoderLayer(**sizes), ours, {"self_attn": ours.attention}, (ours.first, ours.last))
        for ours in model.encoder
    ]
    decoder = [
        layer(
            nn.TransformerDecoderLayer(**sizes),
            ours,
            {"self_attn": ours.within, "multihead_attn": ours.across},
            (ours.first, ours.second, ours.last),
        )
        for ours in model.decoder
    ]
    return encoder, decoder


def stepwise(model, ecg, tmp, segments):
    """The Transformer as its authors wrote it, call by call; ``tmp`` is None for the free rollout."""
    encoder, decoder = torchs_layers(model)
    length = model.segment_samples
    angles = torch.arange(length)[:, None] * 10000.0 ** (-torch.arange(38) / 38)
    codes = torch.cat([angles.sin(), angles.cos()], dim=1)[:, :POINTS]
    memory = model.front(ecg[:, :, :length]) + codes
    for layer in encoder:
        memory = layer(memory)
    given = [memory]
    for number in range(1, segments):
        features = given[-1] if tmp is None else tmp[:, (number - 1) * length : number * length]
        for layer in decoder:
            features = layer(features, memory)
        given.append(features)
    return torch.cat(given, dim=1)


@pytest.mark.parametrize("segment", [1, 5])
def test_the_transformer_is_torchs_layers_called_segment_by_segment(segment):
    model, ecg, tmp = transformer(segment), torch.randn(2, LEADS, 4 * segment), torch.rand(2, 4 * segment, POINTS)
    with torch.no_grad():
        torch.testing.assert_close(model.rollout(ecg, 4 * segment), stepwise(model, ecg, None, 4), rtol=0, atol=1e-4)
        torch.testing.assert_close(model.teacher_forced(ecg, tmp), stepwise(model, ecg, tmp, 4), rtol=0, atol=1e-4)


def test_the_rollout_reads_the_first_segment_only():
    model, ecg = transformer(), torch.randn(2, LEADS, 30)
    other = ecg.clone()
    other[:, :, 5:] = math.nan
    with torch.no_grad():
        given = model(ecg)
        assert given.shape == (2, 30, POINTS)
        assert torch.equal(given, model(other))
        assert torch.equal(given, model.rollout(ecg[:, :, :5], 30))
        assert torch.equal(given[:, :20], model.rollout(ecg, 20))
        assert not torch.allclose(given, model(-ecg))


def test_with_teacher_forcing_each_segment_follows_the_true_one_before():
    model, ecg, tmp = transformer(), torch.randn(2, LEADS, 30), torch.rand(2, 30, POINTS)
    other = tmp.clone()
    other[:, 10:15] = 1 - other[:, 10:15]
    with torch.no_grad():
        forced, changed, free = model.teacher_forced(ecg, tmp), model.teacher_forced(ecg, other), model(ecg)
    moved = (forced - changed).abs().amax(dim=(0, 2)) > 0.01
    assert torch.nonzero(moved)[:, 0].tolist() == [15, 16, 17, 18, 19]
    assert torch.equal(forced[:, :5], free[:, :5])
    with torch.no_grad():
        # Fed with its own predictions, it rolls out freely.
        torch.testing.assert_close(model.teacher_forced(ecg, free), free, rtol=0, atol=1e-5)


def test_a_new_transformer_can_give_rest_and_plateau_at_all_points():
    last = transformer().decoder[-1].last
    for value in (0.0, 1.0):
        before = torch.sign(last.weight) * (2 * value - 1)
        torch.testing.assert_close(last(before), torch.full((POINTS,), value), rtol=0, atol=0.02)


# Dropout


def test_dropout_leaves_out_its_share_and_keeps_the_mean():
    features = torch.ones(400, 501)
    for share in (0.1, 0.5, 0.9):
        given = ByteDropout(share)(features)
        assert (given == 0).float().mean().item() == pytest.approx(share, abs=0.006)
        assert given.mean().item() == pytest.approx(1, abs=0.04)
        assert given.unique().numel() == 2
        for rows in (given, given.T):
            assert (rows[1:] != rows[:-1]).any(dim=1).all()


def test_dropout_does_nothing_without_a_share_or_out_of_training():
    features = torch.randn(3, 5)
    assert torch.equal(ByteDropout(0.0)(features), features)
    assert torch.equal(ByteDropout(0.5).train(False)(features), features)


def test_dropouts_gradient_is_its_mask():
    features = torch.ones(50, 3, requires_grad=True)
    given = ByteDropout(0.5)(features)
    torch.testing.assert_close(torch.autograd.grad(given.sum(), features)[0], given.detach())
    torch.manual_seed(4)
    first = ByteDropout(0.5)(features)
    torch.manual_seed(4)
    assert torch.equal(ByteDropout(0.5)(features), first)
