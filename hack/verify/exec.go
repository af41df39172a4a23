package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// prepare makes a command that ends with the context, and whatever it has started with it.
func prepare(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	// A group of its own: a terminal's Ctrl-C would reach it beside our own signal.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func command(ctx context.Context, out io.Writer, name string, args ...string) error {
	cmd := prepare(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w", name, strings.Join(args, " "), err)
	}
	return nil
}

// ensure installs a program's Debian packages where it is missing, or says what to install where that is not possible.
func ensure(ctx context.Context, out io.Writer, program string, packages ...string) error {
	if _, err := exec.LookPath(program); err == nil {
		return nil
	}
	names := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return fmt.Errorf("%s is missing: install it and try again (on Debian and Ubuntu: sudo apt-get install %s)", program, names)
	}
	fmt.Fprintf(out, "%s is missing: installing the Debian packages %s\n", program, names)
	install := append([]string{"install", "-y", "--no-install-recommends"}, packages...)
	if aptGet(ctx, io.Discard, install...) == nil {
		return nil
	}
	// A fresh machine has no package lists yet, an old one has old lists.
	if err := aptGet(ctx, out, "update"); err != nil {
		return err
	}
	return aptGet(ctx, out, install...)
}

func aptGet(ctx context.Context, out io.Writer, args ...string) error {
	cmd := prepare(ctx, "apt-get", append([]string{"-qq", "-o", "DPkg::Lock::Timeout=120"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("apt-get %s: %w", args[0], err)
	}
	return nil
}
