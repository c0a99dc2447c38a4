package main

import (
	"context"
	"fmt"
	"os"

	"github.com/songan-vn/songan/libs/service"
	"github.com/songan-vn/songan/services/songan/internal/onemachine"
)

func main() {
	ctx, stop := service.Signals(context.Background(), os.Stderr)
	defer stop()
	fmt.Println(onemachine.Run(ctx, os.Stdout))
}
