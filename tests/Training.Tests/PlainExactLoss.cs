using System.Numerics;
using ToyPipeline.Core.Experiments;

namespace ToyPipeline.Training.Tests;

/// <summary>The expected loss of one relu-output instance by the sums of PAPER.md, in fractions: nothing is rounded before the end.</summary>
internal static class PlainExactLoss
{
    /// <summary><c>L = (1/n) Σ_j I_j E(x_j − ReLU(z_j))²</c>; W row by row, then b.</summary>
    public static double Of(CellSpec cell, double[] parameters)
    {
        int n = cell.Model.Features, m = cell.Model.Hidden;
        var total = Fraction.Zero;
        for (int j = 0; j < n; j++)
        {
            Fraction c = parameters[(n * m) + j];
            Fraction[] g = [.. Enumerable.Range(0, n).Select(i => Gram(parameters, j, i, m))];
            for (int subset = 0; subset < 1 << n; subset++)
            {
                Fraction probability = 1;
                for (int i = 0; i < n; i++)
                    probability *= (subset >> i & 1) != 0 ? cell.Data.Density[i] : Fraction.One - cell.Data.Density[i];
                var active = Enumerable.Range(0, n).Where(i => (subset >> i & 1) != 0).ToList();
                Fraction[] a = [.. active.Select(i => g[i])];
                var value = new Fraction(2, 1) * Power(2, c, a);
                if (active.Contains(j))
                    value = value + new Fraction(1, 3) - (new Fraction(2, 1) * Cross(c, a, active.IndexOf(j)));
                total += cell.Importance[j] * probability * value;
            }
        }

        return (total / new Fraction(n, 1)).ToDouble();
    }

    private static Fraction Gram(double[] parameters, int j, int i, int m)
    {
        var sum = Fraction.Zero;
        for (int k = 0; k < m; k++)
            sum += (Fraction)parameters[(j * m) + k] * parameters[(i * m) + k];
        return sum;
    }

    // ∫ ReLU(c + Σ a_j x_j)^q / q! = Σ_s (−1)^(k − |s|) ReLU(c + s·a)^(q + k) / (q + k)! / Π a_j; an input of weight 0 is integrated by itself.
    private static Fraction Power(int q, Fraction c, IEnumerable<Fraction> weights)
    {
        Fraction[] a = [.. weights.Where(weight => !weight.IsZero)];
        var sum = Fraction.Zero;
        for (int s = 0; s < 1 << a.Length; s++)
        {
            var z = c;
            int ones = 0;
            for (int i = 0; i < a.Length; i++)
            {
                if ((s >> i & 1) == 0)
                    continue;
                z += a[i];
                ones++;
            }

            if (!z.IsPositive)
                continue;
            Fraction term = 1;
            for (int e = 1; e <= q + a.Length; e++)
                term = term * z / new Fraction(e, 1);
            sum = (a.Length - ones) % 2 == 0 ? sum + term : sum - term;
        }

        return a.Aggregate(sum, (value, weight) => value / weight);
    }

    // ∫ x_i ReLU(z), by parts in x_i.
    private static Fraction Cross(Fraction c, Fraction[] a, int i)
    {
        var others = a.Where((_, at) => at != i);
        return a[i].IsZero
            ? Power(1, c, others) / new Fraction(2, 1)
            : (Power(2, c + a[i], others) - Power(2, c, a)) / a[i];
    }
}

/// <summary>A fraction of two whole numbers of any size.</summary>
internal readonly struct Fraction(BigInteger numerator, BigInteger denominator)
{
    public static readonly Fraction Zero = new(0, 1);
    public static readonly Fraction One = new(1, 1);

    private BigInteger Numerator { get; } = numerator;

    private BigInteger Denominator { get; } = denominator;

    public bool IsZero => Numerator.IsZero;

    public bool IsPositive => Numerator.Sign * Denominator.Sign > 0;

    public static implicit operator Fraction(double value)
    {
        long bits = BitConverter.DoubleToInt64Bits(value);
        int exponent = (int)(bits >> 52 & 0x7FF);
        long mantissa = (bits & 0xFFFFFFFFFFFFF) | (exponent == 0 ? 0 : 1L << 52);
        int shift = Math.Max(exponent, 1) - 1075;
        var whole = new BigInteger(value < 0 ? -mantissa : mantissa);
        return shift >= 0 ? new Fraction(whole << shift, 1) : Reduced(whole, BigInteger.One << -shift);
    }

    public static Fraction operator +(Fraction x, Fraction y) =>
        Reduced((x.Numerator * y.Denominator) + (y.Numerator * x.Denominator), x.Denominator * y.Denominator);

    public static Fraction operator -(Fraction x, Fraction y) =>
        Reduced((x.Numerator * y.Denominator) - (y.Numerator * x.Denominator), x.Denominator * y.Denominator);

    public static Fraction operator *(Fraction x, Fraction y) => Reduced(x.Numerator * y.Numerator, x.Denominator * y.Denominator);

    public static Fraction operator /(Fraction x, Fraction y) => Reduced(x.Numerator * y.Denominator, x.Denominator * y.Numerator);

    public double ToDouble()
    {
        // 80 significant bits of the quotient, then the exponent back.
        if (IsZero)
            return 0;
        int shift = 80 - (int)(BigInteger.Abs(Numerator).GetBitLength() - BigInteger.Abs(Denominator).GetBitLength());
        var quotient = shift >= 0 ? (Numerator << shift) / Denominator : Numerator / (Denominator << -shift);
        return Math.ScaleB((double)quotient, -shift);
    }

    private static Fraction Reduced(BigInteger numerator, BigInteger denominator)
    {
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator);
        return new Fraction(numerator / divisor, denominator / divisor);
    }
}
