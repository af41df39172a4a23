// Package reportdir reads and writes the files of a report folder. The folder may be somebody else's: nothing outside of it is read or written, no
// link is followed, only regular files are opened, and whoever reads names a bound. It stands on the standard library alone and knows no format.
package reportdir

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// The modes of what a run writes: a report may hold names that are nobody else's business on a shared machine.
const (
	FileMode   fs.FileMode = 0o600
	FolderMode fs.FileMode = 0o700
)

// MaxText bounds the text files of a report in bytes.
const MaxText = 64 << 20

// Open opens a regular file below a report folder. name is a path with slashes.
func Open(dir, name string) (*os.File, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	file := filepath.FromSlash(name)
	info, err := root.Lstat(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: expected a regular file, found %v", filepath.Join(dir, file), info.Mode())
	}
	// O_NONBLOCK, since opening a pipe that took the file's place would wait for its other end.
	f, err := root.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return f, nil
}

// Read returns a file of at most that many bytes below a report folder.
func Read(dir, name string, most int64) ([]byte, error) {
	f, err := Open(dir, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	data, err := ReadAll(f, most)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, name), err)
	}
	return data, nil
}

// ReadAll reads at most that many bytes; more are an error.
func ReadAll(r io.Reader, most int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, most+1))
	if err == nil && int64(len(data)) > most {
		err = fmt.Errorf("expected at most %d bytes", most)
	}
	return data, err
}

// Names returns the regular files of a folder below a report folder, as paths below the report folder, sorted. A folder that does not exist is
// empty; one with more than most files is an error.
func Names(dir, folder string, most int) ([]string, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	info, err := root.Lstat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%s: expected a folder, found %v", filepath.Join(dir, folder), info.Mode())
	}
	f, err := root.OpenFile(folder, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	defer func() { _ = f.Close() }()
	entries, err := f.ReadDir(most + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if len(entries) > most {
		return nil, fmt.Errorf("%s: expected at most %d files", filepath.Join(dir, folder), most)
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, path.Join(filepath.ToSlash(folder), e.Name()))
		}
	}
	slices.Sort(names)
	return names, nil
}

// Write writes a file of a report folder, whole or not at all, in place of what has the name.
func Write(dir, name string, write func(io.Writer) error) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, root.Close()) }()
	// A file of that name is what a killed run left, or a foreign link.
	temporary := "." + strings.ReplaceAll(name, "/", "-") + ".part"
	if err := root.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := root.OpenFile(temporary, os.O_CREATE|os.O_EXCL|os.O_WRONLY, FileMode)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, root.Remove(temporary))
	}
	return root.Rename(temporary, name)
}
