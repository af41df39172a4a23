package disturbances

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// controllerManager is the component that holds the StatefulSet controller.
const controllerManager = "kube-controller-manager"

func killComponent(component string) action {
	return func(ctx context.Context, s *Env, _ *rand.Rand) error { return s.Kill(ctx, component) }
}

// slowRuntime has containerd stand still half of the time.
func slowRuntime(ctx context.Context, s *Env) (undo, error) {
	const signal = "kill -%s $(pgrep -x containerd)"
	stop, err := repeat(10*time.Second, always, func(ctx context.Context, s *Env, _ *rand.Rand) error {
		return s.sh(ctx, fmt.Sprintf(signal+"; sleep 5; "+signal, "STOP", "CONT"))
	})(ctx, s)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return errors.Join(stop(ctx), s.sh(ctx, fmt.Sprintf(signal, "CONT"))) }, nil
}

// namespace draws one of the suite's namespaces.
func (s *Env) namespace(ctx context.Context, chance *rand.Rand) (string, error) {
	list, err := s.Client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: s.Namespaces})
	if err != nil {
		return "", err
	}
	var open []string
	for _, ns := range list.Items {
		if ns.DeletionTimestamp == nil {
			open = append(open, ns.Name)
		}
	}
	if len(open) == 0 {
		return "", errors.New("the suite has no namespace just now")
	}
	return open[chance.IntN(len(open))], nil
}

// killContainer kills the container of a pod of the suite's, as the kernel does when memory runs out.
func killContainer(ctx context.Context, s *Env, chance *rand.Rand) error {
	ns, err := s.namespace(ctx, chance)
	if err != nil {
		return err
	}
	pods, err := s.Client.CoreV1().Pods(ns).List(ctx, metav1.ListOptions{FieldSelector: "status.phase=Running"})
	if err != nil {
		return err
	}
	var ids []string
	for _, p := range pods.Items {
		for _, c := range p.Status.ContainerStatuses {
			if c.State.Running != nil {
				ids = append(ids, c.ContainerID)
			}
		}
	}
	if len(ids) == 0 {
		return errors.New("no container of the suite's runs just now")
	}
	id := ids[chance.IntN(len(ids))]
	return s.sh(ctx, "ctr -n k8s.io tasks kill -s SIGKILL "+id[len("containerd://"):])
}

// scale changes the replicas of one of the suite's sets, as an autoscaler does that knows nothing of the suite.
func scale(ctx context.Context, s *Env, chance *rand.Rand) error {
	ns, err := s.namespace(ctx, chance)
	if err != nil {
		return err
	}
	sets, err := s.Client.AppsV1().StatefulSets(ns).List(ctx, metav1.ListOptions{})
	if err != nil || len(sets.Items) == 0 {
		return errors.Join(err, errors.New("there is no set just now"))
	}
	set := sets.Items[chance.IntN(len(sets.Items))]
	now := set.Status.Replicas
	to := min(4, max(0, now+1-2*chance.Int32N(2)))
	_, err = s.Client.AppsV1().StatefulSets(ns).UpdateScale(ctx, set.Name, &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Name: set.Name, Namespace: ns}, Spec: autoscalingv1.ScaleSpec{Replicas: to},
	}, metav1.UpdateOptions{})
	return err
}

// changeUnrelatedSet creates, changes or deletes a set beside the suite's.
func changeUnrelatedSet(ctx context.Context, s *Env, chance *rand.Rand) error {
	ns, err := s.namespace(ctx, chance)
	if err != nil {
		return err
	}
	sets := s.Client.AppsV1().StatefulSets(ns)
	name := fmt.Sprintf("unrelated-%d", chance.IntN(2))
	set, err := sets.Get(ctx, name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(err):
		_, err = sets.Create(ctx, unrelatedSet(name), metav1.CreateOptions{})
		return err
	case err != nil:
		return err
	}
	switch chance.IntN(4) {
	case 0:
		return sets.Delete(ctx, name, metav1.DeleteOptions{})
	case 1:
		set.Spec.Template.Annotations = map[string]string{"changed": time.Now().Format(time.RFC3339Nano)}
	case 2:
		return s.Client.CoreV1().Pods(ns).Delete(ctx, name+"-0", metav1.DeleteOptions{})
	default:
		set.Spec.Replicas = new(chance.Int32N(3))
	}
	_, err = sets.Update(ctx, set, metav1.UpdateOptions{})
	return err
}

// unrelatedSet is a set that has nothing to do with the suite. Its pods never run: they are to cause events, not to use resources.
func unrelatedSet(name string) *appsv1.StatefulSet {
	labels := map[string]string{"app": name}
	return &appsv1.StatefulSet{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.StatefulSetSpec{
			Replicas: new(int32(2)), ServiceName: name, PodManagementPolicy: appsv1.ParallelPodManagement,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					TerminationGracePeriodSeconds: new(int64(0)), SchedulerName: "nobody",
					SecurityContext: &corev1.PodSecurityContext{
						RunAsNonRoot: new(true), RunAsUser: new(int64(65534)), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
					},
					Containers: []corev1.Container{{
						Name: "idle", Image: "none",
						SecurityContext: &corev1.SecurityContext{
							AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
						},
					}},
				},
			},
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: metav1.ObjectMeta{Name: "data"},
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}},
				},
			}},
		},
	}
}
