package report

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// LoadAny reads the report of any version of the suite, for those who only look at it: path is a report folder or a report's file. Fields that
// this version does not know are left out, and rows need not be those of its contract. What is no such report, of a version of the format that
// is not known, or without verdicts, is an error.
func LoadAny(path string) (*Conformance, error) {
	dir, name := path, File
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.IsDir() {
		dir, name = filepath.Split(path)
	}
	data, err := reportdir.Read(filepath.Clean(dir), name, reportdir.MaxText)
	if err != nil {
		return nil, err
	}
	c := &Conformance{}
	if err := yaml.Unmarshal(data, c); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.readable(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}

// readable returns why a report that follows no schema cannot be taken for one.
func (c *Conformance) readable() error {
	group, version, _ := strings.Cut(c.APIVersion, "/")
	switch {
	case group != runconfig.Group || c.Kind != Kind:
		return fmt.Errorf("expected a %s of %s, found apiVersion %q and kind %q", Kind, runconfig.Group, c.APIVersion, c.Kind)
	case !slices.Contains([]string{"v1", "v2"}, version):
		return fmt.Errorf("expected a report in version v1 or v2 of the format, found %q: a newer version of this suite can read it", version)
	case len(c.Guarantees) == 0:
		return errors.New("expected the verdicts on guarantees, found none")
	}
	seen := map[string]bool{}
	for _, g := range c.Guarantees {
		switch {
		case g.ID == "" || seen[string(g.ID)]:
			return fmt.Errorf("expected each guarantee once and by its name, found %q again or without", g.ID)
		case !slices.Contains(verdict.All(), g.Verdict):
			return fmt.Errorf("%s: expected one of %v, found %q", g.ID, verdict.All(), g.Verdict)
		}
		seen[string(g.ID)] = true
	}
	return nil
}
