package export

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// The files that tools which collect conformance results look for: the log of the specs and their outcome as JUnit.
const (
	ResultsLog   = "e2e.log"
	ResultsJUnit = "junit_01.xml"
)

// Results copies the log and the JUnit file of a run into dir, under the names that collectors know, which may run as other users. A run that ended before its
// specs has neither; its error becomes the log.
func Results(dir, log, junit string, failed error) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(log)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if failed != nil {
		text = append(text, failed.Error()+"\n"...)
	}
	if err := os.WriteFile(filepath.Join(dir, ResultsLog), text, 0o644); err != nil {
		return err
	}
	outcome, err := os.ReadFile(junit)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, ResultsJUnit), outcome, 0o644)
}

// Done hands the results over to Sonobuoy, whose worker waits for the file done: it names the archive that is to be collected.
func Done(dir string) error {
	var packed bytes.Buffer
	if err := Pack(&packed, dir, gzip.DefaultCompression); err != nil {
		return err
	}
	archive := filepath.Join(dir, "results.tar.gz")
	if err := os.WriteFile(archive, packed.Bytes(), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "done"), []byte(archive), 0o644)
}
