namespace ToyPipeline.Report.Charts.Static;

/// <summary>Dashes as points: Skia's SVG canvas knows no dashed strokes, and says so on the console.</summary>
internal static class Dashes
{
    private const double Dash = 0.04;
    private const double Gap = 0.03;

    /// <summary>The polyline cut into dashes, with a NaN after each; dash and gap are fractions of the panel's <paramref name="width"/> and <paramref name="height"/>.</summary>
    public static (double[] X, double[] Y) Of(double[] x, double[] y, double width, double height)
    {
        var dashes = (X: new List<double>(), Y: new List<double>());
        double walked = 0;
        for (int i = 1; i < x.Length; i++)
        {
            double length = Math.Sqrt(Math.Pow((x[i] - x[i - 1]) / width, 2) + Math.Pow((y[i] - y[i - 1]) / height, 2));
            if (!double.IsFinite(length) || length == 0)
                continue;
            for (double at = 0; at < length;)
            {
                // Where in the pattern this piece begins, and how far it goes: to the pattern's next change or the segment's end.
                double phase = (walked + at) % (Dash + Gap);
                double next = Math.Min(length, at + Math.Max(1e-9, (phase < Dash ? Dash : Dash + Gap) - phase));
                if (phase < Dash)
                    Add(i, at / length, next / length);
                at = next;
            }

            walked += length;
        }

        return ([.. dashes.X], [.. dashes.Y]);

        void Add(int segment, double from, double to)
        {
            foreach (double t in (double[])[from, to])
            {
                dashes.X.Add(x[segment - 1] + (t * (x[segment] - x[segment - 1])));
                dashes.Y.Add(y[segment - 1] + (t * (y[segment] - y[segment - 1])));
            }

            dashes.X.Add(double.NaN);
            dashes.Y.Add(double.NaN);
        }
    }
}
