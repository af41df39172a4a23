package runner

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"

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
func OpenReport(dir string) (*ReportDir, error) { return openReport(dir, removed) }

// OpenReportKeeping is OpenReport, but the earlier report is kept: below the folder, in earlier/ with the time of its end in UTC, which is written to
// progress. What ended before there was a result is removed.
func OpenReportKeeping(dir string, progress io.Writer) (*ReportDir, error) {
	to := ""
	if info, err := os.Lstat(filepath.Join(dir, report.File)); err == nil {
		to = path.Join("earlier", info.ModTime().UTC().Format("2006-01-02T15-04-05.000Z"))
	}
	if to == "" {
		return openReport(dir, removed)
	}
	r, err := openReport(dir, func(root *os.Root, name string) error {
		if err := root.MkdirAll(path.Dir(path.Join(to, name)), reportdir.FolderMode); err != nil {
			return err
		}
		return root.Rename(name, path.Join(to, name))
	})
	if err == nil {
		fmt.Fprintf(progress, "report: the one of before is kept in %s\n", filepath.Join(dir, filepath.FromSlash(to)))
	}
	return r, err
}

// removed removes a file or folder of an earlier report.
func removed(root *os.Root, name string) error { return root.RemoveAll(name) }

func openReport(dir string, dispose func(*os.Root, string) error) (*ReportDir, error) {
	r, err := takeReport(dir)
	if err == nil {
		if err = emptyReport(dir, dispose); err != nil {
			err = errors.Join(err, r.Close())
		}
	}
	if err != nil {
		return nil, cli.UsageError{Err: fmt.Errorf("REPORT_DIR=%s: %w", dir, err)}
	}
	return r, nil
}

// takeReport makes or locks a report folder.
func takeReport(dir string) (*ReportDir, error) {
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
	return &ReportDir{lock: lock}, nil
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
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR|noFollow, reportdir.FileMode)
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
	if err := tryLock(file); err != nil {
		if errors.Is(err, errLocked) {
			err = errors.New("another run writes its report there: wait until it has ended, or name another folder")
		}
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// InUse reports whether a process may be writing to a report folder.
func InUse(dir string) bool {
	file, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR|noFollow, 0)
	if err != nil {
		return true // without a lock nothing shows that the run has ended
	}
	defer func() { _ = file.Close() }()
	return tryLock(file) != nil
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

// emptyReport disposes of what a run left in a report folder.
func emptyReport(dir string, dispose func(root *os.Root, name string) error) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }()
	below := []string{exploreFolder, ""}
	for attempt := 2; attempt <= maxRetries+1; attempt++ {
		below = append(below, verdict.AttemptFolder(attempt))
	}
	for _, folder := range below {
		if err := emptyFolder(root, folder, dispose); err != nil {
			return err
		}
		if folder != "" {
			_ = root.Remove(folder) // stays if something else is in it
		}
	}
	return nil
}

// emptyFolder disposes of what one attempt left in its folder below root.
func emptyFolder(root *os.Root, folder string, dispose func(*os.Root, string) error) error {
	for _, name := range []string{
		verdict.SpecsFile, SettingsFile, report.File, report.SchemaFile, report.PageFile, report.SummaryFile, report.FiguresFile, GinkgoLog, report.JUnitFile, report.GinkgoFile,
		coverageTable, coverageFile,
	} {
		name = path.Join(folder, name)
		if _, err := root.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := dispose(root, name); err != nil {
			return err
		}
	}
	for sub, names := range map[string]*regexp.Regexp{
		"histories": historyName, "failures": evidenceName, EpisodesFolder: episodeName, findingsFolder: findingName, apiclient.UsageFolder: usageName,
	} {
		sub = path.Join(folder, sub)
		entries, err := fs.ReadDir(root.FS(), sub)
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
			if err := dispose(root, path.Join(sub, e.Name())); err != nil {
				return err
			}
		}
		_ = root.Remove(sub) // stays if something else is in it
	}
	return nil
}
