import { Navigate } from "react-router";

/** The door of the section leads to its first page. */
export default function Door() {
  return <Navigate to="/data/sources" replace />;
}
