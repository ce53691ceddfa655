using TorchSharp;
using TorchSharp.Modules;
using ToyPipeline.Core;
using ToyPipeline.Core.Experiments;
using static TorchSharp.torch;

namespace ToyPipeline.Bench;

/// <summary>How the eager peer lays out its tensors.</summary>
internal enum EagerLayout
{
    /// <summary>Samples [instances, batch, features], <c>bmm</c>.</summary>
    Batched,

    /// <summary>Samples [batch, instances, features], <c>einsum</c>, as the paper's notebook has it.</summary>
    Einsum,

    /// <summary>One instance: samples [batch, features], <c>mm</c>.</summary>
    Plain,
}

/// <summary>A way to run the eager peer.</summary>
internal sealed record EagerVariant(EagerLayout Layout, int Threads)
{
    public override string ToString() => $"{Layout.ToString().ToLowerInvariant()}, {Nouns.Count(Threads, "thread")}";
}

/// <summary>
/// The peer of training: the reference notebook's step in TorchSharp eager mode, with buffers used again and in-place operations
/// wherever autograd allows them.
/// </summary>
internal sealed class EagerTraining : IDisposable
{
    private readonly bool _absoluteValue;
    private readonly EagerLayout _layout;
    private readonly double _density;
    private readonly Parameter _w; // [instances, features, hidden]
    private readonly Parameter _w2; // the same; W itself where the decoder is tied
    private readonly Parameter _b; // [instances, 1, features]
    private readonly Tensor _x;
    private readonly Tensor _draw; // of the same shape: decides which features are present
    private readonly Tensor _scale; // √(I_i / (batch · features))
    private readonly optim.Optimizer _optimizer;

    public EagerTraining(TrainCase shape, EagerVariant variant)
    {
        var layout = variant.Layout;
        set_num_threads(variant.Threads);
        var (n, m, instances) = (shape.Features, shape.Hidden, shape.Instances);
        _absoluteValue = shape.Kind == ModelKind.AbsoluteValue;
        _layout = layout;
        _density = shape.Density;
        bool plain = layout == EagerLayout.Plain;
        long[] weights = plain ? [n, m] : [instances, n, m];
        double deviation = Math.Sqrt(2.0 / (n + m));
        _w = new Parameter(randn(weights) * deviation);
        _w2 = _absoluteValue ? new Parameter(randn(weights) * deviation) : _w;
        _b = new Parameter(layout switch { EagerLayout.Batched => zeros(instances, 1, n), EagerLayout.Einsum => zeros(instances, n), _ => zeros(n) });
        long[] samples = layout switch
        {
            EagerLayout.Batched => [instances, TrainCase.Batch, n],
            EagerLayout.Einsum => [TrainCase.Batch, instances, n],
            _ => [TrainCase.Batch, n],
        };
        _x = empty(samples);
        _draw = empty(samples);
        _scale = tensor(shape.Importance.Select(value => (float)Math.Sqrt(value / (TrainCase.Batch * n))).ToArray());
        Parameter[] parameters = _absoluteValue ? [_w, _w2, _b] : [_w, _b];
        _optimizer = optim.AdamW(parameters, 1e-3, weight_decay: 0.01);
    }

    /// <summary>The ways in which a case can be run; with one thread too, which small tensors may be better off with.</summary>
    public static IEnumerable<EagerVariant> Variants(TrainCase shape) =>
        from layout in shape.Instances == 1 ? Enum.GetValues<EagerLayout>() : [EagerLayout.Batched, EagerLayout.Einsum]
        from threads in Enumerable.Range(1, Machine.Threads)
        select new EagerVariant(layout, threads);

    public void Train(int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            using var scope = NewDisposeScope();
            // x = where(rand < p, rand, 0), in place.
            _draw.uniform_(0, 1);
            _x.uniform_(_absoluteValue ? -1 : 0, 1);
            _x.masked_fill_(_draw.ge(_density), 0);
            _optimizer.zero_grad();
            var y = Reconstruction();
            // L = Σ I_i (t − y)² / (batch · n), the square's factors scaled beforehand.
            y.sub(_absoluteValue ? _x.abs() : _x).mul_(_scale).square().sum().backward();
            _optimizer.step();
        }
    }

    public void Dispose()
    {
        _optimizer.Dispose();
        foreach (var tensor in (Tensor[])[_w, _w2, _b, _x, _draw, _scale])
            tensor.Dispose();
    }

    private Tensor Reconstruction()
    {
        switch (_layout)
        {
            case EagerLayout.Batched:
                return bmm(Hidden(bmm(_x, _w)), _w2.transpose(1, 2)).add_(_b).relu_();
            case EagerLayout.Einsum:
                return einsum("bih,ifh->bif", Hidden(einsum("bif,ifh->bih", _x, _w)), _w2).add_(_b).relu_();
            default:
                return mm(Hidden(mm(_x, _w)), _w2.t()).add_(_b).relu_();
        }
    }

    private Tensor Hidden(Tensor h) => _absoluteValue ? h.relu_() : h;
}
