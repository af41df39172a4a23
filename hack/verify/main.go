// Command verify runs the project's checks: each is named and timed, all failures are reported, and nothing is edited unless asked.
//
//	verify check   style, lint, generated files
//	verify test    the same, then go vet and the unit tests
//	verify fmt     mend what check finds and a program can mend
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
)

func main() {
	os.Exit(run())
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	c, err := newChecks(os.Stdout)
	if err == nil {
		switch command := strings.Join(os.Args[1:], " "); command {
		case "check":
			err = runSteps(ctx, os.Stdout, c.check())
		case "test":
			err = runSteps(ctx, os.Stdout, append(c.check(), c.test()...))
		case "fmt":
			err = runSteps(ctx, os.Stdout, c.mend())
		default:
			fmt.Fprintf(os.Stderr, "verify: %q is no command; expected check, test or fmt\n", command)
			return 2
		}
	}
	if err != nil {
		if !errors.As(err, new(failedError)) {
			fmt.Fprintln(os.Stderr, "verify:", err)
		}
		return 1
	}
	return 0
}
