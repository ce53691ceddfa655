using ToyPipeline.Core.Runs;

namespace ToyPipeline.Cli.Output;

/// <summary>Rates and times left, for people.</summary>
internal static class Rate
{
    /// <summary>For example <c>1.2 M samples/s</c>.</summary>
    public static string Text(StageProgress progress, TimeSpan elapsed)
    {
        double rate = (progress.Done - progress.Before) / Math.Max(elapsed.TotalSeconds, 1e-3);
        var (value, prefix) = rate switch
        {
            >= 1e9 => (rate / 1e9, " G"),
            >= 1e6 => (rate / 1e6, " M"),
            >= 1e3 => (rate / 1e3, " k"),
            _ => (rate, " "),
        };
        return $"{value:G3}{prefix}{(prefix == " " ? "" : " ")}{progress.Unit}/s";
    }

    /// <summary>Time left at the rate so far, for example <c>0:01:20</c>.</summary>
    public static string Remaining(StageProgress progress, TimeSpan elapsed)
    {
        double done = progress.Done - progress.Before;
        double seconds = done > 0 ? elapsed.TotalSeconds * (progress.Total - progress.Done) / done : progress.Done < progress.Total ? double.MaxValue : 0;
        return seconds < TimeSpan.MaxValue.TotalSeconds ? TimeSpan.FromSeconds(Math.Ceiling(seconds)).ToString("g") : "unknown time";
    }
}

