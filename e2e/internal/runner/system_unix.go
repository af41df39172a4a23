//go:build !windows

package runner

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

// noFollow has a file opened only where its name is no link.
const noFollow = syscall.O_NOFOLLOW

// errLocked is the error of a lock that another process holds.
var errLocked = errors.New("another process holds the lock")

// tryLock locks a file for this process until it is closed, or returns errLocked.
func tryLock(file *os.File) error {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errLocked
	}
	return err
}

// ownGroup has a command start a group of processes of its own, whose processes are interrupted together when the command's context ends: a
// terminal's Ctrl-C would reach Ginkgo's processes beside our own signal, and two signals mean to them that clean-up is to be skipped.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
}

// keepPrivate has this process make files that nobody else on the machine can read.
func keepPrivate() { syscall.Umask(0o077) }

// linkProgram gives a program another name.
func linkProgram(program, name string) error { return os.Symlink(program, name) }
