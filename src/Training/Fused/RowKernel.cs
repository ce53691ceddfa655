using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ToyPipeline.Core.Experiments;
using ToyPipeline.DataGen;

namespace ToyPipeline.Training.Fused;

/// <summary>
/// The kernel of larger models: tile by tile of samples, a few features at a time. Absent inputs are never looked at by the encoder, and
/// outputs that the ReLU switched off never by the backward pass: both go by lists of what is there. Where most is there, blocked products
/// are cheaper and take over.
/// </summary>
/// <remarks>
/// Rows of W are padded to whole vectors, [n, mp]. What a tile's samples share goes with vectors over samples, [features or hidden, samples];
/// lists go with vectors over hidden dimensions, [samples, mp]: h is there both ways.
/// </remarks>
internal sealed unsafe partial class RowKernel<TOps, TVector> : FusedKernel
    where TOps : struct, IVectors<TVector>
    where TVector : struct
{
    private const int Tile = SampleSource.TileSamples;

    // Features that are decoded at once.
    private const int MaxDecoded = 4;

    // Features whose losses are added up in floats.
    private const int SummedFeatures = 64;

    private readonly int _rows; // mp: m padded to whole vectors
    private readonly int _width; // m padded to half vectors of AVX-512, and to what is transposed at once; beyond m all is 0
    private readonly int _listsUpTo; // samples of a tile up to which a list of them pays
    private readonly float[] _zeros; // [mp]; pinned
    private readonly LinearFeatures<TOps, TVector>? _linear; // null where the decoder is not W

    public RowKernel(ModelSpec model, int batch, DataSpec data, bool dense) : base(model, batch)
    {
        _rows = RoundUp(model.Hidden, TOps.Lanes);
        _width = Math.Min(RoundUp(model.Hidden, 8), _rows);
        _zeros = GC.AllocateArray<float>(_rows, pinned: true);
        _listsUpTo = (int)(ListShare * Tile * (M + _rows) / _rows);
        _linear = AbsoluteValue ? null : new LinearFeatures<TOps, TVector>(model, batch, data, dense, _rows, _width);
    }

    // State: W [n, mp], W2 [n, mp] where there is one, what linear features need, b [n], c [n].
    public override long StateFloats => Biases + (2 * N);

    // Accumulator: dW [n, mp], dW2 [n, mp] where there is one, db [n, lanes], sums that linear features need.
    public override long AccumulatorFloats => LinearSums + (_linear?.SumFloats ?? 0);

    // Scratch: a room.
    public override long ScratchFloats => new Room(this, null, TileRun.Length(N)).Floats;

    private int Matrices => AbsoluteValue ? 2 : 1;

    // Where arrays begin in the state and in the accumulator.
    private long Weights => (long)Matrices * N * _rows;

    private long Biases => Weights + (_linear?.StateFloats ?? 0);

    private long LinearSums => Weights + ((long)N * TOps.Lanes);

    private float* Zeros => (float*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_zeros));

    public override void Prepare(ParameterPointers parameters, ReadOnlySpan<float> importance, float* state)
    {
        Rows.Pad(parameters.WPointer, state, N, M, _rows);
        if (AbsoluteValue)
            Rows.Pad(parameters.W2Pointer, state + ((long)N * _rows), N, M, _rows);
        float* b = state + Biases;
        new ReadOnlySpan<float>(parameters.BPointer, N).CopyTo(new Span<float>(b, N));
        Coefficients(importance, b + N);
        _linear?.Prepare(state, b, b + N, state + Weights);
    }

    public override double Accumulate(SampleSource source, long step, int from, int to, float* state, float* accumulator, Scratch scratch)
    {
        long matrix = (long)N * _rows;
        int run = scratch.Buffer.MaxTiles;
        var plain = new ModelParts
        {
            N = N,
            M = M,
            Rows = _rows,
            Stride = source.Dense ? run * Tile : Tile,
            ReluHidden = ReluHidden,
            ReluOutput = ReluOutput,
            AbsoluteValue = AbsoluteValue,
            W = state,
            Decoder = state + ((Matrices - 1) * matrix),
            B = state + Biases,
            C = state + Biases + N,
            DW = accumulator,
            DDecoder = accumulator + ((Matrices - 1) * matrix),
            Db = accumulator + Weights,
        };
        // A tile that the batch does not fill has samples of which nothing may be summed.
        var whole = _linear is null ? plain : plain with { Linear = _linear.Chosen(state + Weights) };
        var room = new Room(this, scratch.Floats, run);
        var draws = scratch.Draws;
        double loss = 0;
        for (int tile = from; tile < to; tile++)
        {
            // A run of tiles is drawn at once.
            int drawn = (tile - from) % run;
            int count = Math.Min(Tile, Batch - (tile * Tile));
            ref readonly var model = ref count == Tile ? ref whole : ref plain;
            if (source.Dense)
            {
                if (drawn == 0)
                    source.FillTiles(step, tile, Math.Min(run, to - tile), room.X, plain.Stride, scratch.Buffer);
                float* x = room.X + (drawn * Tile);
                Encode(x, in model, in room);
                Start(in model, state, accumulator, in room);
                loss += Decode(count, x, default, in model, in room);
                BlockKernel<TOps, TVector>.Multiply(x, model.Stride, N, Tile, room.DH, _rows, _width, model.DW, _rows, model.DW, _rows);
            }
            else
            {
                if (drawn == 0)
                    source.FillDraws(step, tile, Math.Min(run, to - tile), draws, scratch.Buffer);
                var present = new Draws(draws, drawn);
                Encode(present, in model, in room);
                Start(in model, state, accumulator, in room);
                loss += Decode(count, null, present, in model, in room);
                ListKernel<TOps, TVector>.AddOuter(model.DW, present.Places, present.Values, present.Count, room.DH, _rows);
            }
        }

        return -0.5 * Unit(state) * loss;
    }

    public override void Finish(float* state, float* accumulator, ParameterPointers gradient)
    {
        long matrix = (long)N * _rows;
        _linear?.Finish(state + Weights, state + Biases, accumulator + LinearSums, accumulator, (int)LinearSums);
        Rows.Unpad(accumulator, gradient.WPointer, N, M, _rows);
        if (AbsoluteValue)
            Rows.Unpad(accumulator + matrix, gradient.W2Pointer, N, M, _rows);
        SampleLanes<TOps, TVector>.Collapse(accumulator + Weights, gradient.BPointer, N);
    }

    // In which loss and gradient are: 1, or what linear features make of it.
    private float Unit(float* state) => _linear?.Unit(state + Weights) ?? 1;

    // h = Σ_i x_i W_i over the features that are present.
    private void Encode(Draws present, in ModelParts model, in Room room)
    {
        new Span<float>(room.H, Tile * _rows).Clear();
        ListKernel<TOps, TVector>.AddRows(model.W, present.Places, present.Values, present.Count, room.H, _rows);
        if (ReluHidden)
            SampleLanes<TOps, TVector>.Gate(room.H, room.H, Tile * _rows);
        Rows.Transpose(room.H, _rows, Tile, _width, room.HLanes, Tile);
    }

    // The same over all features.
    private void Encode(float* x, in ModelParts model, in Room room)
    {
        for (int start = 0; start < Tile; start += SampleLanes<TOps, TVector>.Samples)
            SampleLanes<TOps, TVector>.Project(model.W, _rows, x + start, model.Stride, N, M, room.HLanes + start, Tile, add: false);
        if (ReluHidden)
            SampleLanes<TOps, TVector>.Gate(room.HLanes, room.HLanes, M * Tile);
        Rows.Transpose(room.HLanes, Tile, _width, Tile, room.H, _rows);
    }

    // ∂L/∂h as far as it does not come from single features.
    private void Start(in ModelParts model, float* state, float* accumulator, in Room room)
    {
        new Span<float>(room.DH, Tile * _rows).Clear();
        if (model.Linear != null)
            _linear!.Start(state + Weights, room.HLanes, room.H, room.DH, accumulator + LinearSums);
    }

    // z = b + D h, then ∂L/∂h and ∂L/∂D. The samples are rows of x, or where that is null the features that are present.
    private double Decode(int count, float* x, Draws present, in ModelParts model, in Room room)
    {
        float* valid = count < Tile ? ValidLanes.Mask(count) : null;
        ulong* on = stackalloc ulong[MaxDecoded];
        int* features = stackalloc int[MaxWaiting + MaxDecoded];
        var pending = new Pending(features);
        double loss = 0;
        float* values = present.Values;
        var sum = TOps.Zero;
        int rows;
        for (int first = 0; first < N; first += rows)
        {
            rows = SampleLanes<TOps, TVector>.Rows(N - first);
            new Span<ulong>(on, MaxDecoded).Clear();
            float* g = room.G + (pending.Waiting * Tile);
            float* targets = x != null ? x + ((long)first * model.Stride) : Spread(present.Candidates + first, rows, ref values, in room);
            for (int start = 0; start < Tile; start += SampleLanes<TOps, TVector>.Samples)
            {
                sum = model.Linear == null
                    ? SampleLanes<TOps, TVector>.Decode(
                        in model, first, rows, room.HLanes + start, targets + start, g + start, Tile, valid == null ? null : valid + start, on, start, sum)
                    : SampleLanes<TOps, TVector>.DecodeRest(in model, first, rows, room.HLanes + start, targets + start, g + start, Tile, on, start, sum);
            }

            // Sums of many terms in one float would lose digits.
            if (first % SummedFeatures == 0)
            {
                loss += TOps.Sum(sum);
                sum = TOps.Zero;
            }

            Backward(first, rows, on, count, x == null ? present.Candidates + first : null, ref pending, in model, in room);
        }

        BackwardListed(ref pending, in model, in room);
        BackwardWaiting(ref pending, in model, in room);
        if (pending.Projected)
            Rows.AddTransposed(room.DHLanes, Tile, _width, Tile, room.DH, _rows);
        if (ReluHidden)
            SampleLanes<TOps, TVector>.Gate(room.H, room.DH, Tile * _rows);
        loss += TOps.Sum(sum);
        return model.Linear == null ? loss : -loss;
    }

    // A few features of the samples of a tile, [features, samples]; values are those from there on.
    private static float* Spread(ulong* candidates, int features, ref float* values, in Room room)
    {
        float* row = room.XRows;
        for (int f = 0; f < features; f++, row += Tile)
        {
            Expansion.Write(TOps.Set, candidates[f], Tile, values, row);
            values += BitOperations.PopCount(candidates[f]);
        }

        return room.XRows;
    }
}
