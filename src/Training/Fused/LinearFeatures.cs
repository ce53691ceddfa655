using System.Numerics.Tensors;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// Features whose outputs are on in most samples are taken as linear, and put right where they are off: what they add to the gradient comes from sums
/// over all of them, so that they need neither lists nor products.
/// </summary>
/// <remarks>
/// After some hundred steps most outputs are either nearly always on, such as those of features that the model ignores, or nearly always off. Where
/// feature j is on, g_j = ∂L/∂z_j = z_j − x_j in units of −c = 2 I / (batch · n), the same for all features, and z_j = b_j + W_j·h is linear in h. With S the
/// linear features:
/// <code>
/// ∂L/∂h   gets  Σ_S z_j W_j − Σ_j x_j W_j  =  K h + k − h,   K = Σ_S W_j W_jᵀ,   k = Σ_S b_j W_j
/// ∂L/∂W_j gets  −Σ x_j h, and of S besides  b_j Σ h + (Σ h hᵀ) W_j,   the sums being over samples
/// </code>
/// The sum of x_j h goes with the encoder's, of x_j ∂L/∂h, once h is taken from ∂L/∂h. What is left of g_j, g_j + x_j − [j ∈ S] z_j, is 0 for features
/// of S that are on, and for the others where they are off and absent. With a ReLU on h too: where that is off, h is 0 and ∂L/∂h put to 0 in the end.
/// </remarks>
internal sealed unsafe class LinearFeatures<TOps, TVector>
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    private const int Tile = SampleSource.TileSamples;

    // A feature is linear from this many deviations on that the mean of its z lies above 0.
    private const float Deviations = 0.25f;

    private readonly ModelSpec _model;
    private readonly int _rows; // mp
    private readonly int _width; // columns of W, beyond which all is 0
    private readonly bool _dense;
    private readonly int _tiles;
    private readonly float[] _means; // of x, [n]
    private readonly float[] _variances;

    /// <summary>For models of a shape and samples of a distribution.</summary>
    /// <param name="model">Architecture, with a tied decoder, and shape.</param>
    /// <param name="batch">Samples per step.</param>
    /// <param name="data">Distribution.</param>
    /// <param name="dense">Whether samples are taken as dense: of features that are not linear something is then left in all of them.</param>
    /// <param name="rows">mp, floats from one feature's row of W to the next.</param>
    /// <param name="width">m as far as products go.</param>
    public LinearFeatures(ModelSpec model, int batch, DataSpec data, bool dense, int rows, int width)
    {
        (_model, _dense, _rows, _width) = (model, dense, rows, width);
        _tiles = SampleSource.Tiles(batch);
        double[] presence = [.. data.Density];
        foreach (var set in data.Sets.Where(set => set.Kind == SetKind.Anticorrelated))
        {
            foreach (int member in set.Members)
                presence[member] /= set.Members.Count;
        }

        // Of a value that is uniform on [0, 1] or [−1, 1].
        double mean = data.Range == ValueRange.Unit ? 0.5 : 0;
        _means = [.. presence.Select(p => (float)(p * mean))];
        _variances = [.. presence.Select(p => (float)((p / 3) - (p * p * mean * mean)))];
    }

    /// <summary>Floats of an instance's <see cref="State"/>.</summary>
    public long StateFloats => new State(null, this).Floats;

    /// <summary>Floats of a slice's sums over samples: Σ h hᵀ, [m, mp], and Σ h, [mp].</summary>
    public long SumFloats => (M + 1L) * _rows;

    private int N => _model.Features;

    private int M => _model.Hidden;

    /// <summary>Chooses an instance's linear features by its parameters.</summary>
    /// <param name="w">W, [n, mp].</param>
    /// <param name="b">b, [n].</param>
    /// <param name="c">c, [n]; −1 afterwards where there are linear features, for all is in units of −c then.</param>
    /// <param name="floats">Receives the state.</param>
    public void Prepare(float* w, float* b, float* c, float* floats)
    {
        var state = new State(floats, this);
        (*state.Count, *state.Unit) = (0, 1);
        if (new ReadOnlySpan<float>(c, N).ContainsAnyExcept(c[0]))
            return;
        int chosen = Choose(w, b, in state);
        if (!Pays(chosen))
            return;
        (*state.Count, *state.Unit) = (chosen, -*c);
        new Span<float>(c, N).Fill(-1);
        new Span<float>(state.Pull, _rows).Clear();
        new Span<float>(state.Coupling, M * _rows).Clear();
        for (int i = 0; i < N; i++)
        {
            float* row = w + ((long)i * _rows);
            float* copy = state.W + ((long)i * _rows);
            var (linear, bias) = (TOps.Broadcast(state.Linear[i]), TOps.Broadcast(b[i]));
            for (int e = 0; e < _rows; e += TOps.Lanes)
            {
                var product = TOps.Multiply(linear, TOps.Load(row + e));
                TOps.Store(product, copy + e);
                TOps.Store(TOps.MultiplyAdd(bias, product, TOps.Load(state.Pull + e)), state.Pull + e);
            }
        }

        for (int k = 0; k < M; k++)
            state.Coupling[(k * _rows) + k] = -2;
        BlockKernel<TOps, TVector>.AddTransposed(w, _rows, M, N, state.W, _rows, _width, state.Coupling, _rows);
    }

    /// <summary>1 for linear features and 0 for the others, [n]; null where there are none.</summary>
    public float* Chosen(float* floats)
    {
        var state = new State(floats, this);
        return *state.Count > 0 ? state.Linear : null;
    }

    /// <summary>In which units loss and gradient are: −c, or 1 where there are no linear features.</summary>
    public float Unit(float* floats) => *new State(floats, this).Unit;

    /// <summary>Adds a tile to the sums, and starts its ∂L/∂h with what is known beforehand.</summary>
    /// <param name="floats">State.</param>
    /// <param name="hLanes">h, [m, samples].</param>
    /// <param name="h">h, [samples, mp].</param>
    /// <param name="dh">Receives (K − 2) h + k, [samples, mp].</param>
    /// <param name="sums">Sums over samples.</param>
    public void Start(float* floats, float* hLanes, float* h, float* dh, float* sums)
    {
        var state = new State(floats, this);
        BlockKernel<TOps, TVector>.Multiply(h, _rows, Tile, M, state.Coupling, _rows, _width, state.Pull, 0, dh, _rows);
        BlockKernel<TOps, TVector>.Multiply(hLanes, Tile, M, Tile, h, _rows, _width, sums, _rows, sums, _rows);
        float* sum = sums + (M * _rows);
        for (int e = 0; e < _rows; e += TOps.Lanes)
        {
            var (even, odd) = (TOps.Load(sum + e), TOps.Zero);
            for (int s = 0; s < Tile; s += 2)
            {
                even = TOps.Add(even, TOps.Load(h + (s * _rows) + e));
                odd = TOps.Add(odd, TOps.Load(h + ((s + 1) * _rows) + e));
            }

            TOps.Store(TOps.Add(even, odd), sum + e);
        }
    }

    /// <summary>∂L/∂W_j of the linear features: adds b_j Σ h + (Σ h hᵀ) W_j. Then the whole gradient is in units of −c no more.</summary>
    /// <param name="floats">State.</param>
    /// <param name="b">b, [n].</param>
    /// <param name="sums">Sums over samples.</param>
    /// <param name="dw">∂L/∂W, [n, mp], and after it the rest of the gradient.</param>
    /// <param name="length">Length of both.</param>
    public void Finish(float* floats, float* b, float* sums, float* dw, int length)
    {
        var state = new State(floats, this);
        if (*state.Count == 0)
            return;
        BlockKernel<TOps, TVector>.Multiply(state.W, _rows, N, M, sums, _rows, _width, dw, _rows, dw, _rows);
        float* sum = sums + (M * _rows);
        for (int i = 0; i < N; i++)
        {
            float* row = dw + ((long)i * _rows);
            var factor = TOps.Broadcast(state.Linear[i] * b[i]);
            for (int e = 0; e < _rows; e += TOps.Lanes)
                TOps.Store(TOps.MultiplyAdd(factor, TOps.Load(sum + e), TOps.Load(row + e)), row + e);
        }

        var gradient = new Span<float>(dw, length);
        TensorPrimitives.Multiply(gradient, *state.Unit, gradient);
    }

    // By mean and deviation of z, where h is as likely in one direction as in another.
    private int Choose(float* w, float* b, in State state)
    {
        float variance = Moments(w, state.Mean);
        int chosen = 0;
        for (int i = 0; i < N; i++)
        {
            float* row = w + ((long)i * _rows);
            var (product, square) = (TOps.Zero, TOps.Zero);
            for (int e = 0; e < _rows; e += TOps.Lanes)
            {
                var weights = TOps.Load(row + e);
                product = TOps.MultiplyAdd(weights, TOps.Load(state.Mean + e), product);
                square = TOps.MultiplyAdd(weights, weights, square);
            }

            float z = b[i] + TOps.Sum(product);
            bool linear = _model.Kind == ModelKind.Linear || (z > 0 && z * z > Deviations * Deviations * variance * TOps.Sum(square));
            state.Linear[i] = linear ? 1 : 0;
            chosen += linear ? 1 : 0;
        }

        return chosen;
    }

    // Mean of h, and the mean variance of its components, before a ReLU.
    private float Moments(float* w, float* mean)
    {
        new Span<float>(mean, _rows).Clear();
        var total = TOps.Zero;
        for (int i = 0; i < N; i++)
        {
            float* row = w + ((long)i * _rows);
            var (x, variance) = (TOps.Broadcast(_means[i]), TOps.Broadcast(_variances[i]));
            for (int e = 0; e < _rows; e += TOps.Lanes)
            {
                var weights = TOps.Load(row + e);
                TOps.Store(TOps.MultiplyAdd(x, weights, TOps.Load(mean + e)), mean + e);
                total = TOps.MultiplyAdd(TOps.Multiply(variance, weights), weights, total);
            }
        }

        if (_model.Kind == ModelKind.ReluHidden)
        {
            for (int e = 0; e < _rows; e++)
                mean[e] = Math.Max(0, mean[e]);
        }

        return TOps.Sum(total) / M;
    }

    // In units of a product of m weights with a tile's samples. Without, a feature that is on takes two of them, as in dense samples one that is not linear
    // takes two with them. What they cost: the products with h, 2 m in every tile, and those with W, n m / 32 in all.
    private bool Pays(int chosen)
    {
        double saved = 2.0 * _tiles * (_dense ? chosen - (N - chosen) : chosen);
        return saved > 2.0 * M * (_tiles + ((double)N / Tile));
    }

    /// <summary>What an instance's parameters say of its linear features.</summary>
    private readonly struct State
    {
        public State(float* floats, LinearFeatures<TOps, TVector> features)
        {
            var arrays = new Arrays(floats);
            Coupling = arrays.Take((long)features.M * features._rows);
            Pull = arrays.Take(features._rows);
            Mean = arrays.Take(features._rows);
            W = arrays.Take((long)features.N * features._rows);
            Linear = arrays.Take(features.N);
            Count = (int*)arrays.Take(1);
            Unit = arrays.Take(1);
            Floats = arrays.Floats;
        }

        /// <summary>Floats that all of it takes.</summary>
        public long Floats { get; }

        /// <summary>K − 2, [m, mp]: h is taken from ∂L/∂h for itself and for the decoder.</summary>
        public float* Coupling { get; }

        /// <summary>k, [mp].</summary>
        public float* Pull { get; }

        /// <summary>Mean of h, [mp].</summary>
        public float* Mean { get; }

        /// <summary>W_j of the linear features, 0 of the others, [n, mp].</summary>
        public float* W { get; }

        /// <summary>1 for linear features, 0 for the others, [n].</summary>
        public float* Linear { get; }

        /// <summary>Number of linear features.</summary>
        public int* Count { get; }

        /// <summary>−c, or 1 where there are none.</summary>
        public float* Unit { get; }
    }
}
