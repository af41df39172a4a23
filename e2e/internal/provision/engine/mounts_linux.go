package engine

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// unmountBelow detaches every mount at or below a folder, so that removing the folder cannot reach into another file system.
func unmountBelow(dir string) error {
	table, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	defer table.Close()
	points, err := mountsBelow(table, dir)
	if err != nil {
		return err
	}
	for _, point := range points {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("unmount %s: %w", point, err)
		}
	}
	return nil
}
