package folder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// Client returns a client that is answered from the folder. It only reads.
func (f *Folder) Client() (kubernetes.Interface, error) {
	return kubernetes.NewForConfig(&rest.Config{
		Host: "http://folder", Transport: transport{f}, QPS: -1, ContentConfig: rest.ContentConfig{ContentType: "application/json"},
	})
}

type transport struct{ f *Folder }

// RoundTrip answers a request.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	code, answer := t.answer(r)
	data, err := json.Marshal(answer)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		Status: http.StatusText(code), StatusCode: code, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(bytes.NewReader(data)),
	}, nil
}

// answer finds what a path asks for: a list, or an object by its name.
func (t transport) answer(r *http.Request) (code int, answer any) {
	path := strings.Trim(r.URL.Path, "/")
	before, after, scoped := strings.Cut(path, "/namespaces/")
	namespace, rest, more := strings.Cut(after, "/")
	if scoped && more {
		path = before + "/" + rest
	} else {
		namespace = ""
	}
	for _, res := range t.f.kinds {
		name, is := strings.CutPrefix(path, res.path+"/")
		if path != res.path && (!is || strings.Contains(name, "/")) {
			continue
		}
		whole := t.f.whole(res, namespace)
		if r.Method != http.MethodGet || (!whole && !t.f.part(res, namespace)) {
			break
		}
		if !is {
			return t.list(res, namespace, r)
		}
		for _, o := range t.f.objects[res.path] {
			if o.meta.Name == name && o.meta.Namespace == namespace {
				return http.StatusOK, o.value
			}
		}
		if !whole {
			break
		}
		return refuse(http.StatusNotFound, metav1.StatusReasonNotFound, fmt.Sprintf("%s %s is not in the folder", res.kind, name))
	}
	return refuse(http.StatusForbidden, metav1.StatusReasonForbidden, "not in the folder")
}

// whole reports whether the folder seems to have all objects of a resource in a namespace, "" being the whole cluster. Of sets it need not: those
// that are there are diagnosed.
func (f *Folder) whole(r resource, namespace string) bool {
	listed := f.listed[r.path]
	return listed[""] || (r.kind == "StatefulSet" && namespace == "" && len(f.objects[r.path]) > 0) || (namespace != "" && listed[namespace])
}

func (t transport) list(res resource, namespace string, r *http.Request) (code int, answer any) {
	byLabel, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return refuse(http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
	}
	byField, err := fields.ParseSelector(r.URL.Query().Get("fieldSelector"))
	if err != nil {
		return refuse(http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error())
	}
	items := []any{}
	for _, o := range t.f.objects[res.path] {
		if (namespace == "" || o.meta.Namespace == namespace) && byLabel.Matches(labels.Set(o.meta.Labels)) && byField.Matches(values{o.value}) {
			items = append(items, o.value)
		}
	}
	version := strings.TrimPrefix(strings.TrimPrefix(res.path[:strings.LastIndexByte(res.path, '/')], "apis/"), "api/")
	return http.StatusOK, map[string]any{"apiVersion": version, "kind": res.kind + "List", "metadata": map[string]any{}, "items": items}
}

// values are an object's fields, by paths such as status.phase.
type values struct{ of map[string]any }

func (v values) Has(field string) bool { return v.Get(field) != "" }

func (v values) Get(field string) string {
	var at any = v.of
	for part := range strings.SplitSeq(field, ".") {
		inner, is := at.(map[string]any)
		if !is {
			return ""
		}
		at = inner[part]
	}
	text, _ := at.(string)
	return text
}

func refuse(code int, reason metav1.StatusReason, message string) (int, any) {
	return code, metav1.Status{
		TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: metav1.StatusFailure, Reason: reason, Code: int32(code), Message: message,
	}
}
