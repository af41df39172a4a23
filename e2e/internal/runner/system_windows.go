package runner

import (
	"errors"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/windows"
)

// noFollow says nothing: a link is made by an administrator alone.
const noFollow = 0

// errLocked is the error of a lock that another process holds.
var errLocked = errors.New("another process holds the lock")

// tryLock locks a file for this process until it is closed, or returns errLocked. A locked part cannot be read by others, so that one behind the
// file's text is locked.
func tryLock(file *os.File) error {
	err := windows.LockFileEx(windows.Handle(file.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{OffsetHigh: 1})
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return errLocked
	}
	return err
}

// ownGroup has a command start a group of processes of its own, whose processes are interrupted together when the command's context ends: a
// console's Ctrl-C would reach Ginkgo's processes beside our own signal, and two signals mean to them that clean-up is to be skipped. Only
// Ctrl-Break can be sent to a group, and it arrives as os.Interrupt.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	cmd.Cancel = func() error {
		return windows.GenerateConsoleCtrlEvent(windows.CTRL_BREAK_EVENT, uint32(cmd.Process.Pid))
	}
}

// keepPrivate does nothing: files are in folders of the user's own.
func keepPrivate() {}

// linkProgram gives a program another name. Symbolic links are for administrators; a hard link cannot lead to another volume.
func linkProgram(program, name string) error {
	if os.Link(program, name) == nil {
		return nil
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	return os.WriteFile(name, data, 0o700)
}
