package runner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/cli"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/report"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/reportdir"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/verdict"
)

// lockFile marks a report folder as one, by its content, and is locked by the command that writes there.
const (
	lockFile = ".conformance.lock"
	lockText = "This folder holds a report of statefulset-conformance.\n"
)

// ReportDir is a report folder that this process alone writes to, until Close or the end of the process.
type ReportDir struct{ lock *os.File }

// OpenReport makes the report folder, or takes one that is empty or holds a report, which it removes: the files that a run writes, and
// nothing else. A folder that holds anything else, or that another process has open, is an error of use.
func OpenReport(dir string) (*ReportDir, error) {
	r, err := openReport(dir)
	if err != nil {
		return nil, cli.UsageError{Err: fmt.Errorf("REPORT_DIR=%s: %w", dir, err)}
	}
	return r, nil
}

func openReport(dir string) (_ *ReportDir, err error) {
	if err := makeReportDirs(dir); err != nil {
		return nil, err
	}
	if !IsReport(dir) {
		return nil, errors.New("expected a folder that is empty or holds a report of this suite, found other files: name another, or remove them")
	}
	lock, err := lockReport(dir)
	if err != nil {
		return nil, err
	}
	r := &ReportDir{lock: lock}
	if err := emptyReport(dir); err != nil {
		return nil, errors.Join(err, r.Close())
	}
	return r, nil
}

// Close lets other processes write to the folder.
func (r *ReportDir) Close() error { return r.lock.Close() }

// makeReportDirs makes a folder and those above it that are missing, each marked: REPORT_DIR may name a folder above another report later.
func makeReportDirs(dir string) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := makeReportDirs(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, reportdir.FolderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	lock, err := openLock(dir)
	if err != nil {
		return err
	}
	return lock.Close()
}

// openLock opens the lock file, and makes it if it is missing.
func openLock(dir string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, reportdir.FileMode)
	if err != nil {
		return nil, err
	}
	if _, err := file.WriteAt([]byte(lockText), 0); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// lockReport locks a report folder.
func lockReport(dir string) (*os.File, error) {
	file, err := openLock(dir)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errors.New("another run writes its report there: wait until it has ended, or name another folder")
		}
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// InUse reports whether a process may be writing to a report folder.
func InUse(dir string) bool {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return true // without a lock nothing shows that the run has ended
	}
	defer func() { _ = file.Close() }()
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// IsReport reports whether a folder is empty, or marked, or holds the results or the settings of a run, or nothing but such folders.
func IsReport(dir string) bool {
	if text, err := reportdir.Read(dir, lockFile, int64(len(lockText))); err == nil && string(text) == lockText {
		return true
	}
	if result, err := reportdir.Read(dir, report.File, reportdir.MaxText); err == nil && ownResult.Match(result) {
		return true
	}
	if _, err := runconfig.Load(filepath.Join(dir, SettingsFile)); err == nil {
		return true
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if !e.IsDir() || !IsReport(filepath.Join(dir, e.Name())) {
			return false
		}
	}
	return err == nil
}

// ownResult matches a result of any version.
var ownResult = regexp.MustCompile(`(?m)^apiVersion: ` + regexp.QuoteMeta(runconfig.Group) + `/`)

// The names of files and folders that a run leaves below its report's folders.
var (
	historyName  = regexp.MustCompile(`^([a-z0-9-]+-[0-9a-f]{8}\.jsonl(\.gz)?|\.history-\d+)$`)
	evidenceName = regexp.MustCompile(`^[a-z0-9-]+-[0-9a-f]{8}$`)
	usageName    = regexp.MustCompile(`^(preflight|(attempt-\d+-|explore-)?process-\d+)\.json$`)
	episodeName  = regexp.MustCompile(`^[a-z0-9-]+-[0-9a-f]{8}\.json$`)
	findingName  = regexp.MustCompile(`^[a-z0-9-]+-\d+\.(json|txt|sh)$`)
)

// emptyReport removes what a run left in a report folder.
func emptyReport(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	below := []string{exploreFolder}
	for attempt := 2; attempt <= maxRetries+1; attempt++ {
		below = append(below, verdict.AttemptFolder(attempt))
	}
	for _, name := range below {
		sub, err := root.OpenRoot(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		err = emptyRoot(sub)
		_ = sub.Close()
		if err != nil {
			return err
		}
		_ = root.Remove(name) // stays if something else is in it
	}
	return emptyRoot(root)
}

// emptyRoot removes what one attempt left in its folder.
func emptyRoot(root *os.Root) error {
	for _, name := range []string{
		verdict.SpecsFile, SettingsFile, report.File, report.SchemaFile, report.PageFile, report.SummaryFile, report.FiguresFile, GinkgoLog, report.JUnitFile, report.GinkgoFile,
		coverageTable, coverageFile,
	} {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	for folder, names := range map[string]*regexp.Regexp{
		"histories": historyName, "failures": evidenceName, EpisodesFolder: episodeName, findingsFolder: findingName, apiclient.UsageFolder: usageName,
	} {
		entries, err := fs.ReadDir(root.FS(), folder)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !names.MatchString(e.Name()) {
				continue
			}
			if err := root.RemoveAll(folder + "/" + e.Name()); err != nil {
				return err
			}
		}
		_ = root.Remove(folder) // stays if something else is in it
	}
	return nil
}
