using ToyPipeline.Cli;

return ToyCommand.Run(args);
