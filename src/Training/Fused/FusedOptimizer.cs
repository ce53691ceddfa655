using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// AdamW, Adam and SGD with momentum over a contiguous parameter: the same operations in the same order as TorchSharp's own.
/// </summary>
internal abstract unsafe class FusedOptimizer
{
    /// <summary>Moments smaller than this are taken as 0: far below what moves a parameter, and they never become slow subnormal numbers.</summary>
    protected const float Negligible = 1e-35f;

    /// <summary>Updates the parameters in place.</summary>
    /// <param name="parameters">Where the parameters are, part by part.</param>
    /// <param name="gradient">Gradient, the parts one after the other.</param>
    /// <param name="state">Two moments for each parameter, [2, count] for each part, 0 at first.</param>
    /// <param name="step">Step, from 0.</param>
    /// <param name="learningRate">Learning rate of the step.</param>
    public abstract void Update(ReadOnlySpan<ParameterPart> parameters, float* gradient, float* state, long step, double learningRate);

    /// <summary>The optimizer of a specification for an instruction set.</summary>
    public static FusedOptimizer Create(OptimizerSpec spec, DataGen.InstructionSet set) => set switch
    {
        DataGen.InstructionSet.Avx512 => new FusedOptimizer<Avx512Vectors, System.Runtime.Intrinsics.Vector512<float>>(spec),
        DataGen.InstructionSet.Avx2 => new FusedOptimizer<Avx2Vectors, System.Runtime.Intrinsics.Vector256<float>>(spec),
        _ => new FusedOptimizer<PortableVectors, System.Runtime.Intrinsics.Vector128<float>>(spec),
    };
}

/// <summary>A contiguous run of parameters.</summary>
/// <param name="Place">Address of the first.</param>
/// <param name="Count">How many.</param>
internal readonly record struct ParameterPart(nint Place, int Count);

/// <inheritdoc/>
internal sealed unsafe class FusedOptimizer<TOps, TVector>(OptimizerSpec spec) : FusedOptimizer
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    public override void Update(ReadOnlySpan<ParameterPart> parameters, float* gradient, float* state, long step, double learningRate)
    {
        var rule = Rule(step, learningRate);
        foreach (var (place, count) in parameters)
        {
            float* part = (float*)place;
            float* second = state + count;
            int whole = count / TOps.Lanes * TOps.Lanes;
            for (int e = 0; e < whole; e += TOps.Lanes)
                rule.Apply(part + e, gradient + e, state + e, second + e);
            if (whole < count)
                Tail(part + whole, gradient + whole, state + whole, second + whole, count - whole, in rule);
            gradient += count;
            state += 2 * count;
        }
    }

    // The last few go through a vector of their own, padded with zeros.
    private static void Tail(float* parameters, float* gradient, float* first, float* second, int count, in Constants rule)
    {
        int lanes = TOps.Lanes;
        float* vectors = stackalloc float[4 * lanes];
        new Span<float>(vectors, 4 * lanes).Clear();
        Copy(parameters, vectors, count);
        Copy(gradient, vectors + lanes, count);
        Copy(first, vectors + (2 * lanes), count);
        Copy(second, vectors + (3 * lanes), count);
        rule.Apply(vectors, vectors + lanes, vectors + (2 * lanes), vectors + (3 * lanes));
        Copy(vectors, parameters, count);
        Copy(vectors + (2 * lanes), first, count);
        Copy(vectors + (3 * lanes), second, count);
    }

    private static void Copy(float* from, float* to, int count) => new ReadOnlySpan<float>(from, count).CopyTo(new Span<float>(to, count));

    private Constants Rule(long step, double learningRate)
    {
        double correction1 = 1 - Math.Pow(spec.Beta1, step + 1);
        double correction2 = 1 - Math.Pow(spec.Beta2, step + 1);
        return new Constants
        {
            Kind = spec.Kind,
            First = step == 0,
            Shrink = TOps.Broadcast((float)(1 - (learningRate * spec.WeightDecay))),
            Decay = TOps.Broadcast((float)spec.WeightDecay),
            Beta1 = TOps.Broadcast((float)spec.Beta1),
            Rest1 = TOps.Broadcast((float)(1 - spec.Beta1)),
            Beta2 = TOps.Broadcast((float)spec.Beta2),
            Rest2 = TOps.Broadcast((float)(1 - spec.Beta2)),
            Root = TOps.Broadcast((float)Math.Sqrt(correction2)),
            Epsilon = TOps.Broadcast((float)spec.Epsilon),
            Momentum = TOps.Broadcast((float)spec.Momentum),
            Step = TOps.Broadcast((float)(-learningRate / (spec.Kind == OptimizerKind.Sgd ? 1 : correction1))),
            Floor = TOps.Broadcast(Negligible),
        };
    }

    private readonly struct Constants
    {
        public required OptimizerKind Kind { get; init; }

        public required bool First { get; init; }

        public required TVector Shrink { get; init; }

        public required TVector Decay { get; init; }

        public required TVector Beta1 { get; init; }

        public required TVector Rest1 { get; init; }

        public required TVector Beta2 { get; init; }

        public required TVector Rest2 { get; init; }

        public required TVector Root { get; init; }

        public required TVector Epsilon { get; init; }

        public required TVector Momentum { get; init; }

        public required TVector Step { get; init; }

        public required TVector Floor { get; init; }

        public void Apply(float* parameter, float* gradient, float* first, float* second)
        {
            var p = TOps.Load(parameter);
            var g = TOps.Load(gradient);
            if (Kind == OptimizerKind.AdamW)
                p = TOps.Multiply(p, Shrink);
            else
                g = TOps.MultiplyAdd(p, Decay, g);
            TVector direction;
            if (Kind == OptimizerKind.Sgd)
            {
                direction = First ? g : TOps.MultiplyAdd(TOps.Load(first), Momentum, g);
                TOps.Store(Settle(direction), first);
            }
            else
            {
                // m ← β1 m + (1 − β1) g;  v ← β2 v + (1 − β2) g²;  p ← p − lr/(1 − β1ᵗ) · m / (√v / √(1 − β2ᵗ) + ε)
                var m = Settle(TOps.MultiplyAdd(Rest1, g, TOps.Multiply(TOps.Load(first), Beta1)));
                var v = Settle(TOps.MultiplyAdd(TOps.Multiply(Rest2, g), g, TOps.Multiply(TOps.Load(second), Beta2)));
                TOps.Store(m, first);
                TOps.Store(v, second);
                direction = TOps.Divide(m, TOps.Add(TOps.Divide(TOps.Sqrt(v), Root), Epsilon));
            }

            TOps.Store(TOps.MultiplyAdd(Step, direction, p), parameter);
        }

        private TVector Settle(TVector value) => TOps.WherePositive(TOps.Subtract(TOps.Abs(value), Floor), value);
    }
}
