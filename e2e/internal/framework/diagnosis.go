package framework

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/diagnose/capture"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
)

// diagnosisFile is where a failed spec's diagnosis is saved, in the folder of its artifacts.
const diagnosisFile = "diagnosis.txt"

// Diagnose finds out what is wrong with the namespace's sets now, saves the diagnosis below dir with the state that it was made from,
// and returns it in short: a line or a few for each set.
func (ns *Namespace) Diagnose(ctx context.Context, dir string) (string, error) {
	sets, err := ns.Client.AppsV1().StatefulSets(ns.Name).List(ctx, metav1.ListOptions{LabelSelector: "!" + probeLabel})
	if err != nil {
		return "", fmt.Errorf("diagnosing the sets of namespace %s: %w", ns.Name, err)
	}
	if err := os.MkdirAll(dir, reportdir.FolderMode); err != nil {
		return "", err
	}
	var brief, whole bytes.Buffer
	var errs []error
	for i := range sets.Items {
		name := sets.Items[i].Name
		state, err := capture.State(ctx, ns.Client, ns.Name, name, capture.AnswerLimit)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		// The diagnosis goes into the report: it must not hold what is not saved either.
		state = state.Trimmed()
		found := diagnose.Diagnose(state)
		if short := diagnose.Brief(found); short != "" {
			fmt.Fprintf(&brief, "diagnosis of set %s: %s\n", name, short)
		} else {
			fmt.Fprintf(&brief, "diagnosis of set %s: nothing wrong found in its pods, storage, service and DNS\n", name)
		}
		errs = append(errs, diagnose.Write(&whole, state, found), state.Save(filepath.Join(dir, "state-"+name+".yaml")))
	}
	errs = append(errs, os.WriteFile(filepath.Join(dir, diagnosisFile), whole.Bytes(), reportdir.FileMode))
	return string(bytes.TrimSpace(brief.Bytes())), errors.Join(errs...)
}
