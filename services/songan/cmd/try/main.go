package main

import (
	"context"
	"fmt"
	"os"

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
	fmt.Println(onemachine.Run(ctx, os.Stdout))
}
