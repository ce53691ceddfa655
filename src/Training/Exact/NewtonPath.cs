using ToyPipeline.Core.Formats;
using Lanes = System.Runtime.Intrinsics.Vector512<double>;

namespace ToyPipeline.Training.Exact;

/// <summary>The way of one start down to a local minimum: Newton's method with a safe step.</summary>
/// <remarks>
/// A step solves <c>(H + λ·1) s = −g</c> with λ large enough that the matrix is positive definite and the step short, and is taken only if the loss
/// falls as much as its model promised (Levenberg 1944, Marquardt 1963). Directions along which nothing changes (rotations of the hidden space, a
/// feature that no longer reaches any output) have neither slope nor curvature: λ keeps the steps along them at 0. Where the gradient vanishes
/// and the loss still falls along some direction, a saddle, the path goes on along that direction.
/// </remarks>
internal sealed class NewtonPath
{
    /// <summary>Evaluations of the loss after which a start is given up.</summary>
    public const int MaxEvaluations = 1000;

    // Beyond the tolerance Newton's steps cost little and each doubles the digits.
    private const double Target = 1e-13;
    private const int MaxPolishes = 4;

    private const double LongestStep = 0.5;
    private const double EscapeStep = 0.05;
    private const int MaxEscapes = 10;

    // Of the largest diagonal entry of H: less is rounding.
    private const double LeastShift = 1e-10;
    private const double SaddleCurvature = 1e-7;

    private readonly int _size;
    private readonly double[] _g;
    private readonly double[] _h;
    private readonly double[] _step;
    private readonly double[] _factor;
    private double _shift;
    private double _promised;
    private int _polishes;
    private int _escapes;
    private bool _started;
    private bool _escaping;

    public NewtonPath(int size)
    {
        _size = size;
        (X, Trial, _g, _step) = (new double[size], new double[size], new double[size], new double[size]);
        (_h, _factor) = (new double[size * size], new double[size * size]);
    }

    /// <summary>The best point so far.</summary>
    public double[] X { get; }

    /// <summary>The point to evaluate next.</summary>
    public double[] Trial { get; }

    /// <summary>Loss at <see cref="X"/>.</summary>
    public double Loss { get; private set; }

    /// <summary>Gradient's norm at <see cref="X"/>.</summary>
    public double GradientNorm { get; private set; }

    /// <summary>Evaluations so far.</summary>
    public int Evaluations { get; private set; }

    /// <summary>Starts anew at a point.</summary>
    public void Start(ReadOnlySpan<double> x)
    {
        x.CopyTo(Trial);
        (_shift, _promised, _polishes, _escapes, _started, _escaping, Evaluations) = (0, 0, 0, 0, false, false, 0);
    }

    /// <summary>Takes the evaluation of <see cref="Trial"/> and chooses the next one.</summary>
    /// <param name="loss">Loss there.</param>
    /// <param name="gradient">Gradient there, a lane of these vectors.</param>
    /// <param name="hessian">Hessian there, likewise.</param>
    /// <param name="lane">Which lane.</param>
    /// <returns>False when the path has ended, at <see cref="X"/>.</returns>
    public unsafe bool Advance(double loss, Lanes* gradient, Lanes* hessian, int lane)
    {
        Evaluations++;
        double norm = 0;
        for (int p = 0; p < _size; p++)
            norm += ExactLoss.Lane(gradient + p, lane) * ExactLoss.Lane(gradient + p, lane);
        norm = Math.Sqrt(norm);
        if (!_started || Accepted(loss, norm))
        {
            (Loss, GradientNorm, _started) = (loss, norm, true);
            Trial.CopyTo(X, 0);
            for (int p = 0; p < _size; p++)
                _g[p] = ExactLoss.Lane(gradient + p, lane);
            for (int e = 0; e < _h.Length; e++)
                _h[e] = ExactLoss.Lane(hessian + e, lane);
        }
        else if (GradientNorm <= ExactResult.Tolerance)
        {
            // Rounding ends the polish; a saddle that no step along its direction leaves is none.
            return !_escaping && Escape();
        }

        _escaping = false;
        if (Evaluations >= MaxEvaluations)
            return false;
        if (GradientNorm <= Target || (GradientNorm <= ExactResult.Tolerance && ++_polishes > MaxPolishes))
            return Escape();
        return Propose();
    }

    // Compares what the loss did with what the model of it promised, and sets the shift for the next step.
    private bool Accepted(double loss, double norm)
    {
        double gained = Loss - loss;
        if (_escaping)
            return gained > 0;
        // Where the promise is lost in the rounding of the loss the gradient decides.
        bool noise = _promised <= 1e-13 * Math.Abs(Loss);
        double ratio = noise ? (norm < GradientNorm ? 1 : 0) : gained / _promised;
        if (ratio > 0.75)
            _shift *= 0.05;
        else if (!(ratio >= 0.25))
            _shift *= 4;
        return ratio > 0.05;
    }

    private bool Propose()
    {
        double floor = LeastShift * LargestDiagonal();
        _shift = Math.Max(_shift, floor);
        for (; ; )
        {
            // Nothing bends and the slope is not 0: no finite shift makes a step of it.
            if (!double.IsFinite(_shift) || _shift == 0)
                return false;
            if (SymmetricMatrix.Cholesky(_h, _shift, _factor, _size))
            {
                SymmetricMatrix.SolveNegative(_factor, _g, _step);
                if (Norm(_step) <= LongestStep)
                    break;
            }

            _shift *= 4;
        }

        _promised = -(Dot(_g, _step) + (0.5 * SymmetricMatrix.Quadratic(_h, _step)));
        MoveBy(1);
        return true;
    }

    // At a point without slope: along the direction of the strongest negative curvature, where there is one.
    private bool Escape()
    {
        double noise = Math.Max(SaddleCurvature * LargestDiagonal(), 100 * GradientNorm);
        if (_escapes == MaxEscapes || noise == 0 || SymmetricMatrix.Cholesky(_h, noise, _factor, _size))
            return false;
        var (values, vectors) = SymmetricMatrix.Eigen(_h, _size);
        if (!(values[0] < -noise))
            return false;
        vectors[0].CopyTo(_step, 0);
        int largest = 0;
        for (int p = 1; p < _size; p++)
            largest = Math.Abs(_step[p]) > Math.Abs(_step[largest]) ? p : largest;
        // Down the slope; where there is none to the side of the larger parameters, so that the way is the same each time.
        double slope = Dot(_g, _step);
        double sign = slope != 0 ? -Math.Sign(slope) : Math.Sign(_step[largest]);
        _escapes++;
        _polishes = 0;
        _escaping = true;
        MoveBy(sign * EscapeStep);
        return true;
    }

    private void MoveBy(double scale)
    {
        for (int p = 0; p < _size; p++)
            Trial[p] = X[p] + (scale * _step[p]);
    }

    private double LargestDiagonal()
    {
        double largest = 0;
        for (int p = 0; p < _size; p++)
            largest = Math.Max(largest, Math.Abs(_h[(p * _size) + p]));
        return largest;
    }

    private static double Dot(double[] a, double[] b)
    {
        double sum = 0;
        for (int p = 0; p < a.Length; p++)
            sum += a[p] * b[p];
        return sum;
    }

    private static double Norm(double[] a) => Math.Sqrt(Dot(a, a));
}
