package recording

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// File is the recording for programs, below its folder.
const File = "recording.json"

// Save writes the recording into its folder.
func (r *Recording) Save(dir string) error {
	return reportdir.Write(dir, File, func(w io.Writer) error {
		enc := json.NewEncoder(w)
		enc.SetIndent("", " ")
		return enc.Encode(r)
	})
}

// Load reads a recording of a folder.
func Load(dir string) (*Recording, error) {
	data, err := reportdir.Read(dir, File, reportdir.MaxText)
	if err != nil {
		return nil, err
	}
	var r Recording
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, File), err)
	}
	if slices.Contains(r.Outages, nil) || slices.Contains(r.Circumstances, nil) {
		return nil, fmt.Errorf("%s: expected outages and circumstances, found null among them", filepath.Join(dir, File))
	}
	return &r, nil
}
