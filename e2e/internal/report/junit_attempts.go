package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/onsi/ginkgo/v2/types"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// withAttempts adds to Ginkgo's report on the specs those on the specs that were repeated, each under the text of its attempt.
func withAttempts(dir string, specs types.SpecReports) (types.SpecReports, error) {
	for attempt := 2; ; attempt++ {
		data, err := reportdir.Read(dir, verdict.AttemptFolder(attempt)+"/"+GinkgoFile, 4*reportdir.MaxText)
		if errors.Is(err, os.ErrNotExist) {
			return specs, nil
		}
		if err != nil {
			return nil, err
		}
		var suites []types.Report
		if err := json.Unmarshal(data, &suites); err != nil || len(suites) != 1 {
			return nil, fmt.Errorf("attempt %d: expected Ginkgo's report on one suite, found %d of them: %w", attempt, len(suites), err)
		}
		for _, s := range suites[0].SpecReports {
			if s.LeafNodeType != types.NodeTypeIt || s.State.Is(types.SpecStateSkipped|types.SpecStatePending) && s.Failure.Message == "" {
				continue
			}
			s.LeafNodeText += fmt.Sprintf(" (attempt %d)", attempt)
			specs = append(specs, s)
		}
	}
}
