namespace ToyPipeline.Core.Experiments;

/// <summary>The four architectures of the paper.</summary>
public enum ModelKind
{
    /// <summary><c>x' = G x + b</c>, with <c>G = W Wᵀ</c>.</summary>
    Linear,

    /// <summary><c>x' = ReLU(G x + b)</c>, with <c>G = W Wᵀ</c>.</summary>
    ReluOutput,

    /// <summary><c>h = ReLU(Wᵀ x)</c>, <c>x' = ReLU(W h + b)</c>.</summary>
    ReluHidden,

    /// <summary><c>h = ReLU(W1ᵀ x)</c>, <c>y = ReLU(W2 h + b)</c>, with target <c>|x|</c>.</summary>
    AbsoluteValue,
}

/// <summary>Architecture and shape of one model.</summary>
/// <param name="Kind">Architecture.</param>
/// <param name="Features">n, the number of features.</param>
/// <param name="Hidden">m, the number of hidden dimensions.</param>
public sealed record ModelSpec(ModelKind Kind, int Features, int Hidden);

/// <summary>Range of a present feature's uniform value.</summary>
public enum ValueRange
{
    /// <summary>Uniform on [0, 1].</summary>
    Unit,

    /// <summary>Uniform on [−1, 1].</summary>
    Signed,
}

/// <summary>How the members of a set depend on each other.</summary>
public enum SetKind
{
    /// <summary>All members are present together, or none.</summary>
    Correlated,

    /// <summary>Exactly one member is present, or none.</summary>
    Anticorrelated,
}

/// <summary>Features whose presence one draw decides.</summary>
/// <param name="Kind">All together, or exactly one.</param>
/// <param name="Members">Feature indices.</param>
/// <param name="Density">Probability that the set is active.</param>
public sealed record FeatureSet(SetKind Kind, IReadOnlyList<int> Members, double Density);

/// <summary>Distribution of the features, and where training samples come from.</summary>
/// <param name="Density">p_i = 1 − S_i for every feature, length n. Of a member of a set: the set's density.</param>
/// <param name="Range">Range of a present feature's value.</param>
/// <param name="Sets">Correlated and anticorrelated sets; a feature is in at most one.</param>
/// <param name="TrainSamples">Size of the dataset on disk that training cycles through; null streams fresh samples.</param>
public sealed record DataSpec(IReadOnlyList<double> Density, ValueRange Range, IReadOnlyList<FeatureSet> Sets, int? TrainSamples);

/// <summary>Which optimizer, with TorchSharp's names and defaults.</summary>
public enum OptimizerKind
{
    /// <summary>AdamW: decoupled weight decay.</summary>
    AdamW,

    /// <summary>Adam: weight decay added to the gradient.</summary>
    Adam,

    /// <summary>Stochastic gradient descent with momentum.</summary>
    Sgd,
}

/// <summary>Optimizer and its constants.</summary>
/// <param name="Kind">Algorithm.</param>
/// <param name="LearningRate">Peak learning rate; the schedule scales it.</param>
/// <param name="WeightDecay">Weight decay; 0.01 for AdamW and 0 otherwise unless given.</param>
/// <param name="Beta1">Decay of the first moment (Adam, AdamW).</param>
/// <param name="Beta2">Decay of the second moment (Adam, AdamW).</param>
/// <param name="Epsilon">Added to the denominator (Adam, AdamW).</param>
/// <param name="Momentum">Momentum (SGD).</param>
public sealed record OptimizerSpec(
    OptimizerKind Kind, double LearningRate, double WeightDecay, double Beta1, double Beta2, double Epsilon, double Momentum);

/// <summary>How the learning rate changes over the steps.</summary>
public enum Schedule
{
    /// <summary>Stays at the learning rate.</summary>
    Constant,

    /// <summary>Falls to 0 along half a cosine.</summary>
    Cosine,

    /// <summary>Falls to 0 on a line.</summary>
    Linear,
}

/// <summary>What computes loss and gradient.</summary>
public enum ObjectiveKind
{
    /// <summary>The fastest that covers the experiment.</summary>
    Auto,

    /// <summary>TorchSharp eager mode: any model.</summary>
    Autograd,

    /// <summary>SIMD kernels: sampling, forward, loss, gradient and optimizer in one pass.</summary>
    Fused,

    /// <summary>Closed-form expected loss, small n.</summary>
    Exact,
}

/// <summary>Spacing of recorded weight snapshots.</summary>
public enum SnapshotSpacing
{
    /// <summary>Equal steps.</summary>
    Linear,

    /// <summary>Equal ratios of steps.</summary>
    Log,
}

/// <summary>What is recorded while training.</summary>
/// <param name="LossEvery">The mean loss of every so many steps is recorded; 0 records nothing.</param>
/// <param name="Snapshots">Number of weight snapshots, the first step and the last included; 0 records none.</param>
/// <param name="Spacing">Where the snapshots lie.</param>
public sealed record HistorySpec(int LossEvery, int Snapshots, SnapshotSpacing Spacing);

/// <summary>How an instance is trained.</summary>
/// <param name="Objective">What computes loss and gradient.</param>
/// <param name="Steps">Number of optimizer steps.</param>
/// <param name="Batch">Samples per step.</param>
/// <param name="Optimizer">Optimizer and its constants.</param>
/// <param name="Schedule">Learning rate over the steps.</param>
/// <param name="History">What is recorded.</param>
public sealed record TrainingSpec(
    ObjectiveKind Objective, int Steps, int Batch, OptimizerSpec Optimizer, Schedule Schedule, HistorySpec History)
{
    /// <summary>Largest n that <see cref="ObjectiveKind.Exact"/> covers: its cost grows with 3ⁿ.</summary>
    public const int MaxExactFeatures = 8;

    /// <summary>Starts of an instance on the exact loss, of which the one that ends lowest is kept.</summary>
    public int Starts { get; init; } = 1;
}

/// <summary>How linear probes are trained on the best instance of each cell.</summary>
/// <param name="Samples">Samples of the evaluation dataset that are used; the first half trains, the others are held out.</param>
public sealed record ProbeSpec(int Samples);

/// <summary>How the worst L2 perturbation of the best instance of each cell is searched for.</summary>
/// <param name="Epsilon">ε, the norm that a perturbation may have.</param>
/// <param name="Samples">Samples of the evaluation dataset that are attacked, from its start.</param>
/// <param name="Steps">Steps of projected gradient ascent from each start.</param>
/// <param name="Restarts">Number of starts, random points at distance ε.</param>
/// <param name="Random">Random perturbations that the result is compared with.</param>
public sealed record AttackSpec(double Epsilon, int Samples, int Steps, int Restarts, int Random);

/// <summary>How the training of the best instance of each cell is followed through its weight snapshots.</summary>
/// <param name="Samples">Samples of the evaluation dataset on which the loss of each snapshot is measured, from its start.</param>
/// <param name="Jump">Least change of D_i that counts as a jump.</param>
/// <param name="Drop">Least fall of the loss, as a part of it, that counts as a drop.</param>
public sealed record DynamicsSpec(int Samples, double Jump, double Drop);

/// <summary>The dataset on which instances are evaluated, and what is measured on it beyond the loss.</summary>
/// <param name="Samples">Number of samples of each evaluation dataset; 0 where only weights are measured.</param>
/// <param name="Interference">Whether the interference on samples is measured.</param>
/// <param name="Probes">Linear probes; null for none.</param>
/// <param name="Adversarial">Adversarial attack; null for none.</param>
/// <param name="Dynamics">Measures through training; null for none.</param>
/// <param name="Pca">Whether the directions are compared with the principal components of the dataset.</param>
public sealed record EvaluationSpec(int Samples, bool Interference, ProbeSpec? Probes, AttackSpec? Adversarial, DynamicsSpec? Dynamics, bool Pca)
{
    /// <summary>Whether samples are needed even where the loss is known exactly.</summary>
    public bool MeasuresOnSamples => Interference || Probes is not null || Adversarial is not null || Dynamics is not null || Pca;
}

/// <summary>The grid read as a phase diagram: what becomes of one feature in each cell.</summary>
/// <param name="Feature">The feature.</param>
public sealed record PhaseSpec(int Feature);

/// <summary>Which branches of solutions to follow: local minima that pass into each other as a setting changes.</summary>
/// <param name="Axis">The setting, one of the axes; other axes stay at their first value.</param>
/// <param name="From">Values of the axis whose minima are followed.</param>
public sealed record BranchesSpec(Axis Axis, IReadOnlyList<string> From);

/// <summary>All that decides one instance's training and evaluation, except its seed.</summary>
/// <param name="Model">Architecture and shape.</param>
/// <param name="Data">Feature distribution.</param>
/// <param name="Importance">I_i for every feature, length n.</param>
/// <param name="Training">Training setting.</param>
public sealed record CellSpec(ModelSpec Model, DataSpec Data, IReadOnlyList<double> Importance, TrainingSpec Training);
