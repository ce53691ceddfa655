using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using ToyPipeline.Training.Fused;
using Lanes = System.Runtime.Intrinsics.Vector512<double>;

namespace ToyPipeline.Training.Exact;

/// <summary>Carries out a <see cref="FaceProgram"/> for as many instances at once as a vector has lanes.</summary>
/// <remarks>Every operation is the same IEEE 754 operation in each lane: an instance's bits do not depend on its lane or on the processor.</remarks>
internal sealed unsafe class FaceMoments : IDisposable
{
    /// <summary>Instances at once.</summary>
    public const int Width = 8;

    // Keeps 0 / 0 out where all weights of a face are 0; far below any difference of two numbers that matter.
    private const double Tiny = 1e-150;

    private readonly FaceProgram _program;
    private readonly AlignedBuffer _buffer;
    private readonly Lanes* _moments; // [1 + moments]
    private readonly Lanes* _low; // least z on each face
    private readonly Lanes* _high; // greatest z on each face

    public FaceMoments(FaceProgram program)
    {
        _program = program;
        int moments = program.Moments + 1;
        _buffer = new AlignedBuffer((long)(moments + (2 * program.Faces.Length)) * sizeof(Lanes) / sizeof(float));
        _moments = (Lanes*)_buffer.Pointer;
        _low = _moments + moments;
        _high = _low + program.Faces.Length;
    }

    /// <summary>The moment at a place that <see cref="FaceProgram.MomentOf"/> gave.</summary>
    public Lanes this[int place] => _moments[place];

    /// <summary>Computes all moments for <c>z = c + Σ a_i x_i</c>.</summary>
    /// <param name="theta">c, a_0, …, a_{n−1}.</param>
    public void Compute(Lanes* theta)
    {
        var faces = _program.Faces;
        _low[0] = _high[0] = theta[0];
        bool region = _program.Integral == FaceIntegral.Region;
        if (region)
            _moments[1] = Step(theta[0]);
        for (int f = 1; f < faces.Length; f++)
        {
            var face = faces[f];
            if (face.Strides.Length == 0)
                Vertex(f, theta, region ? face.FirstSum + 1 : 0);
            else
                Face(f, face, theta, region);
        }
    }

    public void Dispose() => _buffer.Dispose();

    // A vertex other than the origin is one with its highest coordinate at 0, moved along it.
    private void Vertex(int face, Lanes* theta, int moment)
    {
        int i = 0, stride = 1;
        while (stride * 3 <= face)
        {
            stride *= 3;
            i++;
        }

        var z = _low[face - stride] + theta[1 + i];
        _low[face] = _high[face] = z;
        if (moment > 0)
            _moments[moment] = Step(z);
    }

    private void Face(int f, Face face, Lanes* theta, bool region)
    {
        int stride = face.Strides[0];
        var low = Vector512.MinNative(_low[f - stride], _low[f - (2 * stride)]);
        var high = Vector512.MaxNative(_high[f - stride], _high[f - (2 * stride)]);
        _low[f] = low;
        _high[f] = high;
        var range = Vector512.MaxNative(high - low, Vector512.Create(Tiny));
        // The point on the plane: every coordinate the same share of the way from where z is least to where it is greatest.
        var share = Vector512.MinNative(Vector512.MaxNative(-low / range, Lanes.Zero), Lanes.One);
        Lanes* coefficients = stackalloc Lanes[FaceProgram.MaxFeatures * Term.FactorsPerSlot];
        for (int slot = 0; slot < face.Free.Length; slot++)
        {
            var rest = Lanes.One - share;
            var rising = Vector512.GreaterThanOrEqual(theta[1 + face.Free[slot]], Lanes.Zero);
            var t = Vector512.ConditionalSelect(rising, share, rest);
            Lanes* own = coefficients + (slot * Term.FactorsPerSlot);
            own[(int)Factor.T] = t;
            own[(int)Factor.OneMinusT] = Vector512.ConditionalSelect(rising, rest, share);
            own[(int)Factor.TwoT] = t + t;
            own[(int)Factor.ThreeT] = t + t + t;
        }

        int sum = face.FirstSum;
        if (!region && face.Free.Length == 1)
        {
            // ∫ δ(c + a x) dx = 1 / |a| where z changes its sign.
            var crosses = Vector512.LessThan(low, Lanes.Zero) & Vector512.GreaterThan(high, Lanes.Zero);
            _moments[++sum] = (Lanes.One / range) & crosses;
        }

        Sums(sum, face.EndSum, coefficients);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Sums(int first, int end, Lanes* coefficients)
    {
        ref var sums = ref _program.Sums[0];
        ref var terms = ref _program.AllTerms[0];
        for (int s = first; s < end; s++)
        {
            var sum = Unsafe.Add(ref sums, s);
            var total = Lanes.Zero;
            for (int at = sum.Begin; at < sum.End; at++)
            {
                var term = Unsafe.Add(ref terms, at);
                total = Vector512.FusedMultiplyAdd(coefficients[term.Coefficient], _moments[term.Moment], total);
            }

            _moments[s + 1] = total * sum.Scale;
        }
    }

    private static Lanes Step(Lanes z) => Vector512.GreaterThan(z, Lanes.Zero) & Lanes.One;
}
