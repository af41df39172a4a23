package specs

import (
	"flag"
	"fmt"
	"os"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/format"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// TestConformance runs the specs against the cluster that the settings name.
func TestConformance(t *testing.T) {
	if config, _ := GinkgoConfiguration(); *settingsFile == "" && !config.DryRun {
		t.Skip("no cluster was given: start the suite with `make e2e` or `make certify`")
	}
	RegisterFailHandler(Fail)
	// An error's own words are told anyway; what it consists of says nothing more.
	format.RegisterCustomFormatter(func(value any) (string, bool) {
		_, isError := value.(error)
		return "", isError
	})
	RunSpecs(t, "StatefulSet conformance")
}

// TestMain exists to say what is wrong when flags are.
func TestMain(m *testing.M) {
	flag.Parse()
	if *settingsFile != "" {
		if _, err := runconfig.Load(*settingsFile); err != nil {
			fmt.Fprintln(os.Stderr, "settings:", err)
			os.Exit(2)
		}
	}
	os.Exit(m.Run())
}
