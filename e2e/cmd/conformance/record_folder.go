package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// folderFormat is how the folder of a recording is named, after the time when it began.
const folderFormat = "2006-01-02T15-04-05Z"

// newFolder makes a folder for one recording.
func (o *recordOptions) newFolder() (string, error) {
	if err := os.MkdirAll(o.folder, reportdir.FolderMode); err != nil {
		return "", err
	}
	dir := filepath.Join(o.folder, time.Now().UTC().Format(folderFormat))
	return dir, os.Mkdir(dir, reportdir.FolderMode)
}

// removeOld removes the oldest recordings but for those that are to stay, once this one is saved: an attempt that fails takes none away. What is not named
// like one, or holds no result, is left alone.
func (o *recordOptions) removeOld() error {
	if o.keep == 0 {
		return nil
	}
	entries, err := os.ReadDir(o.folder) // sorted by name, and so by time
	if err != nil {
		return err
	}
	var recordings []string
	for _, e := range entries {
		if _, err := time.Parse(folderFormat, e.Name()); err != nil || !e.IsDir() {
			continue
		}
		dir := filepath.Join(o.folder, e.Name())
		if _, err := os.Stat(filepath.Join(dir, recording.File)); err == nil {
			recordings = append(recordings, dir)
		}
	}
	var errs []error
	for _, dir := range recordings[:max(0, len(recordings)-o.keep)] {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// removeEmpty removes folders that hold nothing.
func removeEmpty(folders ...string) error {
	for _, folder := range folders {
		if names, err := os.ReadDir(folder); err == nil && len(names) == 0 {
			if err := os.Remove(folder); err != nil {
				return err
			}
		}
	}
	return nil
}
