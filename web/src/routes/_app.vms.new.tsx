import { createFileRoute } from '@tanstack/react-router';
import { NewVmPage } from '../components/vms/new/NewVmPage';

export const Route = createFileRoute('/_app/vms/new')({ component: NewVmPage });
