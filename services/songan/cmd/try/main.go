package main

import (
	"context"
	"fmt"
	"os"
	"runtime/pprof"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/songan/internal/bench"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

func main() {
	ctx, stop := service.Signals(context.Background(), os.Stderr)
	defer stop()
	if len(os.Args) > 1 && os.Args[1] == "bench" {
		fmt.Println(bench.Run(ctx, bench.Args{Seconds: 6, Lines: 200000, Only: os.Args[2:]}, os.Stdout))
		return
	}
	if path := os.Getenv("CPUPROFILE"); path != "" {
		f, _ := os.Create(path)
		_ = pprof.StartCPUProfile(f)
		defer pprof.StopCPUProfile()
	}
	fmt.Println(onemachine.Run(ctx, os.Stdout))
}
