package framework

import (
	"context"
	"encoding/json"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mutatingPolicies lists the MutatingAdmissionPolicies in the newest version that the API server serves: v1 since Kubernetes 1.36, and where they are switched
// on v1beta1 since 1.34 and v1alpha1 since 1.32. An API server without any has none. What they match is written the same in all versions.
func (ns *Namespace) mutatingPolicies(ctx context.Context) ([]admissionv1.MutatingAdmissionPolicy, error) {
	for _, in := range []func() (any, error){
		func() (any, error) {
			return ns.Client.AdmissionregistrationV1().MutatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
		},
		func() (any, error) {
			return ns.Client.AdmissionregistrationV1beta1().MutatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
		},
		func() (any, error) {
			return ns.Client.AdmissionregistrationV1alpha1().MutatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
		},
	} {
		list, err := in()
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		var all admissionv1.MutatingAdmissionPolicyList
		data, err := json.Marshal(list)
		if err == nil {
			err = json.Unmarshal(data, &all)
		}
		return all.Items, err
	}
	return nil, nil
}
