package runner

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/onsi/ginkgo/v2/ginkgo/command"
	"github.com/onsi/ginkgo/v2/ginkgo/run"
	"github.com/onsi/ginkgo/v2/types"
)

// The names that this program is started by in its hidden roles.
const (
	ginkgoName = "statefulset-conformance-ginkgo"
	// Ginkgo takes a file for a compiled suite by the end of its name.
	suiteName = "statefulset-conformance-specs.test"
)

// Parameters are what a process of the suite is started with.
type Parameters struct {
	Settings string // file with the run's settings
	Socket   string // of the command, for Connect
}

// HiddenRole carries out the role that this program was started for by Execute: that of Ginkgo's CLI, or that of one process of the suite,
// whose specs the function runs. hidden is false if a person started the program.
func HiddenRole(suite func(Parameters) (exitCode int)) (exitCode int, hidden bool) {
	name := filepath.Base(os.Args[0])
	if name == ginkgoName || name == suiteName {
		// What Ginkgo and the specs write is for nobody else on the machine.
		keepPrivate()
	}
	switch name {
	case ginkgoName:
		return ginkgoCLI(os.Args), true
	case suiteName:
		var p Parameters
		testing.Init() // Ginkgo's CLI passes flags of go test
		flag.StringVar(&p.Settings, "conformance.settings", "", "file with the run's settings")
		flag.StringVar(&p.Socket, "conformance.socket", "", "socket of the command that started the run")
		flag.Parse()
		return suite(p), true
	}
	return 0, false
}

// ginkgoCLI is the program ginkgo with its command run alone.
func ginkgoCLI(args []string) (exitCode int) {
	program := command.Program{
		Name: "ginkgo", Heading: "Ginkgo Version " + types.VERSION, DefaultCommand: run.BuildRunCommand(),
		Exiter: func(code int) { exitCode = code },
	}
	program.RunAndExit(args)
	return exitCode
}
