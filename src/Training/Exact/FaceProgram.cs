using System.Collections.Concurrent;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training.Exact;

/// <summary>What is integrated over the faces of the cube.</summary>
internal enum FaceIntegral
{
    /// <summary><c>∫ 1(z &gt; 0) x^α dx</c> over a face, for monomials up to degree 2.</summary>
    Region,

    /// <summary><c>∫ δ(z) x^α dx</c> over a face, for monomials up to degree 2, and up to degree 3 where x_0 is a factor.</summary>
    Slice,
}

/// <summary>
/// The order in which the moments of all faces of [0, 1]ⁿ follow from those of smaller faces: a list of sums that a kernel carries out for
/// many instances at once.
/// </summary>
/// <remarks>
/// <para>
/// Let <c>z(x) = c + Σ a_i x_i</c> change its sign on a face of dimension k, and t be a point of the face with <c>z(t) = 0</c>. A function f(z)
/// that is homogeneous of degree q (the step: q = 0; δ: q = −1) is so about t. By the divergence theorem, with
/// <c>(x − t)·∇x^α = |α| x^α − Σ_i α_i t_i x^(α − e_i)</c>,
/// <c>(k + |α| + q) ∫ f(z) x^α = Σ_l [t_l ∫_{x_l = 0} f x^α + (1 − t_l) ∫_{x_l = 1} f x^α] + Σ_i α_i t_i ∫ f x^(α − e_i)</c>.
/// Every term is positive and no weight divides: nothing cancels, however small, large or equal the weights are. Where z &gt; 0 on the whole
/// face there is no plane z = 0, and the formula holds for any t.
/// </para>
/// <para>
/// A face is a number in base 3: digit i is 0 or 1 where x_i is fixed, 2 where it is free. The faces with digits 0 and 2 alone are what
/// the active subsets of the features range over; the others are needed on the way.
/// </para>
/// </remarks>
internal sealed class FaceProgram
{
    /// <summary>Largest n.</summary>
    public const int MaxFeatures = TrainingSpec.MaxExactFeatures;

    private static readonly ConcurrentDictionary<(int Features, FaceIntegral Integral), FaceProgram> s_programs = new();

    private readonly Dictionary<(int Face, int Monomial), int> _moments = [];

    private FaceProgram(int features, FaceIntegral integral)
    {
        Integral = integral;
        Faces = new Face[Pow3(features)];
        var sums = new List<Sum>();
        var terms = new List<Term>();
        for (int f = 0; f < Faces.Length; f++)
        {
            int[] free = [.. Enumerable.Range(0, features).Where(i => f / Pow3(i) % 3 == 2)];
            int first = sums.Count;
            foreach (int monomial in Monomials(free))
            {
                int begin = terms.Count;
                int degree = Degree(monomial);
                bool given = integral == FaceIntegral.Region ? free.Length == 0 : free.Length == 1 && degree == 0;
                if (!given)
                    terms.AddRange(Terms(f, free, monomial));
                _moments.Add((f, monomial), ++Moments);
                double divisor = free.Length + degree + (integral == FaceIntegral.Region ? 0 : -1);
                sums.Add(new Sum(begin, terms.Count, given ? 0 : 1 / divisor));
            }

            Faces[f] = new Face([.. free.Select(Pow3)], free, first, sums.Count);
        }

        Sums = [.. sums];
        AllTerms = [.. terms];
    }

    public FaceIntegral Integral { get; }

    /// <summary>The faces, each after those at its boundary.</summary>
    public Face[] Faces { get; }

    /// <summary>Sum s gives moment s + 1; moment 0 is 0.</summary>
    public Sum[] Sums { get; }

    public Term[] AllTerms { get; }

    /// <summary>Number of moments, the zero at place 0 not counted.</summary>
    public int Moments { get; private set; }

    /// <summary>The program for n features; made once.</summary>
    public static FaceProgram Of(int features, FaceIntegral integral) =>
        s_programs.GetOrAdd((features, integral), key => new FaceProgram(key.Features, key.Integral));

    /// <summary>Place of <c>∫ f(z) x^α</c> on the face of an active subset.</summary>
    /// <param name="active">The features that are active, as bits.</param>
    /// <param name="factors">The monomial's factors; all of them active.</param>
    public int MomentOf(int active, params ReadOnlySpan<int> factors)
    {
        int face = 0, monomial = 0;
        for (int i = 0; i < MaxFeatures; i++)
            face += (active >> i & 1) * 2 * Pow3(i);
        foreach (int i in factors)
            monomial += Power(i);
        return _moments.GetValueOrDefault((face, monomial));
    }

    private List<int> Monomials(int[] free)
    {
        if (Integral == FaceIntegral.Slice && free.Length == 0)
            return [];
        var monomials = new List<int> { 0 };
        monomials.AddRange(free.Select(Power));
        var squares = free.SelectMany((i, at) => free.Skip(at).Select(j => Power(i) + Power(j))).ToList();
        monomials.AddRange(squares);
        if (Integral == FaceIntegral.Slice && free[0] == 0)
            monomials.AddRange(squares.Select(square => square + Power(0)));
        return monomials;
    }

    private IEnumerable<Term> Terms(int face, int[] free, int monomial)
    {
        for (int slot = 0; slot < free.Length; slot++)
        {
            int i = free[slot], power = Exponent(monomial, i);
            if (power == 0 && _moments.TryGetValue((face - (2 * Pow3(i)), monomial), out int low))
                yield return new Term(slot, Factor.T, low);
            if (_moments.TryGetValue((face - Pow3(i), monomial - (power * Power(i))), out int high))
                yield return new Term(slot, Factor.OneMinusT, high);
            if (power > 0)
                yield return new Term(slot, power switch { 1 => Factor.T, 2 => Factor.TwoT, _ => Factor.ThreeT }, _moments[(face, monomial - Power(i))]);
        }
    }

    private static int Pow3(int exponent) => exponent == 0 ? 1 : 3 * Pow3(exponent - 1);

    // A monomial is a number in base 4 whose digit i is the exponent of x_i.
    private static int Power(int i) => 1 << (2 * i);

    private static int Exponent(int monomial, int i) => monomial >> (2 * i) & 3;

    private static int Degree(int monomial) => Enumerable.Range(0, MaxFeatures).Sum(i => Exponent(monomial, i));
}

/// <summary>A face of the cube.</summary>
/// <param name="Strides">3^i for every free x_i: face − stride has x_i = 1, face − 2·stride has x_i = 0.</param>
/// <param name="Free">The free coordinates.</param>
/// <param name="FirstSum">Its first sum.</param>
/// <param name="EndSum">The sum after its last one.</param>
internal sealed record Face(int[] Strides, int[] Free, int FirstSum, int EndSum);

/// <summary>What a term is multiplied with, t being the coordinate of the point on the plane.</summary>
internal enum Factor
{
    T,
    OneMinusT,
    TwoT,
    ThreeT,
}

/// <summary>A moment as <c>scale · Σ terms</c>; a scale of 0 marks a moment that the kernel knows by itself.</summary>
internal readonly record struct Sum(int Begin, int End, double Scale);

/// <summary>A factor times a moment.</summary>
internal readonly record struct Term
{
    public const int FactorsPerSlot = 4;

    public Term(int slot, Factor factor, int moment)
    {
        Coefficient = (slot * FactorsPerSlot) + (int)factor;
        Moment = moment;
    }

    /// <summary>Place of the factor among those of the face.</summary>
    public int Coefficient { get; }

    /// <summary>Place of the moment.</summary>
    public int Moment { get; }
}
