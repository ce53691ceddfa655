using TorchSharp.Modules;
using ToyPipeline.Core.Experiments;
using static TorchSharp.torch;

namespace ToyPipeline.Training;

/// <summary>What a model makes of a batch.</summary>
/// <param name="Hidden">h, [instances, batch, hidden].</param>
/// <param name="Preactivation">z, before the output's ReLU, [instances, batch, features].</param>
/// <param name="Reconstruction">x', [instances, batch, features].</param>
public sealed record ModelOutput(Tensor Hidden, Tensor Preactivation, Tensor Reconstruction);

/// <summary>An ensemble of toy models as one TorchSharp module: parameters carry a leading <c>[instances]</c> axis.</summary>
/// <remarks>Parameters <c>W [instances, features, hidden]</c> and <c>b [instances, features]</c>; float32.</remarks>
public abstract class ToyModel : nn.Module<Tensor, Tensor>
{
    private protected ToyModel(string name, ModelSpec spec, Tensor w, Tensor? w2, Tensor b) : base(name)
    {
        Spec = spec;
        W = new Parameter(w);
        W2 = w2 is null ? null : new Parameter(w2);
        B = new Parameter(b);
        register_parameter(w2 is null ? "W" : "W1", W);
        if (W2 is not null)
            register_parameter("W2", W2);
        register_parameter("b", B);
    }

    /// <summary>Architecture and shape of every instance.</summary>
    public ModelSpec Spec { get; }

    /// <summary>Encoder directions, [instances, features, hidden].</summary>
    public Parameter W { get; }

    /// <summary>Decoder directions of the absolute-value model, [instances, features, hidden]; null where the decoder is W itself.</summary>
    public Parameter? W2 { get; }

    /// <summary>Output bias, [instances, features].</summary>
    public Parameter B { get; }

    /// <summary>An ensemble of <paramref name="spec"/> with the given parameters, which it takes over.</summary>
    /// <param name="spec">Architecture and shape.</param>
    /// <param name="w">Encoder directions, [instances, features, hidden].</param>
    /// <param name="w2">Decoder directions; only of the absolute-value model.</param>
    /// <param name="b">Output bias, [instances, features].</param>
    public static ToyModel Create(ModelSpec spec, Tensor w, Tensor? w2, Tensor b) => spec.Kind switch
    {
        ModelKind.Linear => new LinearModel(spec, w, b),
        ModelKind.ReluOutput => new ReluOutputModel(spec, w, b),
        ModelKind.ReluHidden => new ReluHiddenModel(spec, w, b),
        ModelKind.AbsoluteValue => new AbsoluteValueModel(spec, w, w2 ?? throw new ArgumentNullException(nameof(w2)), b),
        _ => throw new ArgumentOutOfRangeException(nameof(spec), spec.Kind, "No such model kind."),
    };

    /// <summary>Hidden activation, preactivation and reconstruction of a batch.</summary>
    /// <param name="x">Samples, [instances, batch, features].</param>
    public abstract ModelOutput Run(Tensor x);

    /// <summary>The reconstruction x' of a batch, [instances, batch, features].</summary>
    /// <param name="input">Samples, [instances, batch, features].</param>
    public override Tensor forward(Tensor input) => Run(input).Reconstruction;

    /// <summary>What the model is trained to output: |x| for the absolute-value model, x for the others.</summary>
    public virtual Tensor Target(Tensor x) => x;

    // Wᵀx for every sample of the batch: [instances, batch, hidden].
    private protected static Tensor Encode(Tensor x, Tensor w) => bmm(x, w);

    // W h + b for every sample of the batch: [instances, batch, features].
    private protected static Tensor Decode(Tensor h, Tensor w, Tensor b) => bmm(h, w.transpose(1, 2)) + b.unsqueeze(1);
}

/// <summary><c>h = Wᵀx</c>, <c>x' = W h + b = G x + b</c>.</summary>
internal sealed class LinearModel(ModelSpec spec, Tensor w, Tensor b) : ToyModel(nameof(LinearModel), spec, w, null, b)
{
    public override ModelOutput Run(Tensor x)
    {
        var h = Encode(x, W);
        var z = Decode(h, W, B);
        return new ModelOutput(h, z, z);
    }
}

/// <summary><c>h = Wᵀx</c>, <c>x' = ReLU(W h + b) = ReLU(G x + b)</c>.</summary>
internal sealed class ReluOutputModel(ModelSpec spec, Tensor w, Tensor b) : ToyModel(nameof(ReluOutputModel), spec, w, null, b)
{
    public override ModelOutput Run(Tensor x)
    {
        var h = Encode(x, W);
        var z = Decode(h, W, B);
        return new ModelOutput(h, z, z.relu());
    }
}

/// <summary><c>h = ReLU(Wᵀx)</c>, <c>x' = ReLU(W h + b)</c>.</summary>
internal sealed class ReluHiddenModel(ModelSpec spec, Tensor w, Tensor b) : ToyModel(nameof(ReluHiddenModel), spec, w, null, b)
{
    public override ModelOutput Run(Tensor x)
    {
        var h = Encode(x, W).relu();
        var z = Decode(h, W, B);
        return new ModelOutput(h, z, z.relu());
    }
}

/// <summary><c>h = ReLU(W1ᵀx)</c>, <c>y = ReLU(W2 h + b)</c>, with target <c>|x|</c>.</summary>
internal sealed class AbsoluteValueModel(ModelSpec spec, Tensor w1, Tensor w2, Tensor b) : ToyModel(nameof(AbsoluteValueModel), spec, w1, w2, b)
{
    public override ModelOutput Run(Tensor x)
    {
        var h = Encode(x, W).relu();
        var z = Decode(h, W2!, B);
        return new ModelOutput(h, z, z.relu());
    }

    public override Tensor Target(Tensor x) => x.abs();
}
