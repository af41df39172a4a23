package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/auditlog"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/recording"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/version"
)

// recordAudit makes a recording of audit logs, without a cluster.
func (o *recordOptions) recordAudit(out, progress io.Writer) error {
	log, err := o.readAudit()
	if err != nil {
		return cli.UsageError{Err: err}
	}
	names := log.Namespaces()
	if o.namespaces != "" {
		names = strings.Split(o.namespaces, ",")
	}
	if len(names) == 0 {
		return unrecorded(fmt.Errorf("--audit-log: %s shows no StatefulSet and no pod of one", strings.Join(o.auditLogs, ", ")))
	}
	dir, err := o.newFolder()
	if err != nil {
		return cli.UsageError{Err: err}
	}
	fmt.Fprintf(progress, "record: %s into %s\n", strings.Join(names, ", "), dir)
	r := recording.New(names, o.selector)
	r.Suite = version.OfProgram()
	if err := os.Mkdir(filepath.Join(dir, "histories"), reportdir.FolderMode); err != nil {
		return unrecorded(err)
	}
	for _, name := range names {
		h, file := log.History(name), fmt.Sprintf("histories/%s-1.jsonl.gz", name)
		if err := h.Save(filepath.Join(dir, file)); err != nil {
			return unrecorded(err)
		}
		r.Add(h, file, recording.Span{}, func(set map[string]string) bool { return o.chosen.Matches(labels.Set(set)) })
	}
	r.Hold(o.objectives)
	if err := errors.Join(report.SaveRecording(dir, r), o.removeOld()); err != nil {
		return unrecorded(err)
	}
	return o.tell(out, dir, r)
}

// readAudit reads the files of --audit-log.
func (o *recordOptions) readAudit() (*auditlog.Log, error) {
	wanted := strings.Split(o.namespaces, ",")
	log := auditlog.New(func(namespace string) bool { return o.namespaces == "" || slices.Contains(wanted, namespace) })
	for _, name := range o.auditLogs {
		if err := readInto(log, name); err != nil {
			return nil, fmt.Errorf("--audit-log: %w", err)
		}
	}
	if err := log.Check(); err != nil {
		return nil, fmt.Errorf("--audit-log %s: %w", strings.Join(o.auditLogs, ", "), err)
	}
	return log, nil
}

func readInto(log *auditlog.Log, name string) (err error) {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := log.Read(file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
