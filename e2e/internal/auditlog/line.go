package auditlog

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// line is what is read of one line of a log, of the fields of audit.k8s.io/v1 Event.
type line struct {
	APIVersion       string    `json:"apiVersion"`
	Kind             string    `json:"kind"`
	AuditID          string    `json:"auditID"`
	Stage            string    `json:"stage"`
	RequestURI       string    `json:"requestURI"`
	Verb             string    `json:"verb"`
	User             user      `json:"user"`
	ImpersonatedUser *user     `json:"impersonatedUser"`
	UserAgent        string    `json:"userAgent"`
	ObjectRef        *object   `json:"objectRef"`
	ResponseStatus   *status   `json:"responseStatus"`
	RequestObject    rawObject `json:"requestObject"`
	ResponseObject   rawObject `json:"responseObject"`
	StageTimestamp   time.Time `json:"stageTimestamp"`
}

// rawObject is an object that is decoded once it is known to be needed.
type rawObject = json.RawMessage

type user struct {
	Username string `json:"username"`
}

type object struct {
	Resource    string `json:"resource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	UID         string `json:"uid"`
	APIGroup    string `json:"apiGroup"`
	Subresource string `json:"subresource"`
}

type status struct {
	Code int32 `json:"code"`
}

// group and version of an audit log's lines.
const apiVersion = "audit.k8s.io/v1"

// isEvent reports whether it is a line of an audit log at all.
func (l *line) isEvent() bool { return l.Kind == "Event" && l.APIVersion == apiVersion }

// wrote reports whether the request changed something: it was carried out, and was no trial.
func (l *line) wrote() bool {
	if l.Stage != "ResponseComplete" || l.ObjectRef == nil || l.ResponseStatus == nil || l.ResponseStatus.Code/100 != http.StatusOK/100 {
		return false
	}
	return slices.Contains([]string{"create", "update", "patch", "delete", "deletecollection"}, l.Verb) && !l.dry()
}

// dry reports whether the request was to change nothing.
func (l *line) dry() bool {
	if at, err := url.Parse(l.RequestURI); err == nil && at.Query().Has("dryRun") {
		return true
	}
	var options struct {
		DryRun        []string `json:"dryRun"`
		DeleteOptions struct {
			DryRun []string `json:"dryRun"`
		} `json:"deleteOptions"`
	}
	if len(l.RequestObject) == 0 || json.Unmarshal(l.RequestObject, &options) != nil {
		return false
	}
	return len(options.DryRun)+len(options.DeleteOptions.DryRun) > 0
}
